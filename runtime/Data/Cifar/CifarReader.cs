namespace ChannelDistillation.Data.Cifar;

/// <summary>Reads the binary files of CIFAR into memory.</summary>
internal static class CifarReader
{
    private const int RecordsAtOnce = 512;

    /// <param name="folder">Folder of the files.</param>
    /// <exception cref="DamagedFileException">A file has unexpected content.</exception>
    public static Dataset Open(DatasetDescriptor dataset, string folder)
    {
        var format = CifarFormat.Of(dataset);
        return new(dataset, Read(dataset, format, folder, format.Training), Read(dataset, format, folder, [format.Validation]));
    }

    private static ByteImageSet Read(DatasetDescriptor dataset, CifarFormat format, string folder, IReadOnlyList<CifarFile> files)
    {
        int imageSize = dataset.Image.Channels * dataset.Image.Height * dataset.Image.Width;
        int count = files.Sum(file => file.Images);
        var pixels = new byte[checked(count * imageSize)];
        var labels = new byte[count];
        var done = 0;
        foreach (CifarFile file in files)
        {
            Read(dataset, format, file, Path.Combine(folder, file.Name), pixels.AsSpan(done * imageSize), labels.AsSpan(done, file.Images));
            done += file.Images;
        }

        return new ByteImageSet(dataset.Image, pixels, labels, dataset.Normalization);
    }

    private static void Read(DatasetDescriptor dataset, CifarFormat format, CifarFile file, string path, Span<byte> pixels, Span<byte> labels)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        if (stream.Length != file.Bytes)
            throw new DamagedFileException(path, $"it has {stream.Length} bytes instead of {file.Bytes}");

        int labelBytes = format.Labels.Count;
        int record = (int)(file.Bytes / file.Images);
        var buffer = new byte[RecordsAtOnce * record];
        for (var first = 0; first < file.Images; first += RecordsAtOnce)
        {
            int records = Math.Min(RecordsAtOnce, file.Images - first);
            stream.ReadExactly(buffer, 0, records * record);
            for (var i = 0; i < records; i++)
            {
                ReadOnlySpan<byte> bytes = buffer.AsSpan(i * record, record);
                for (var label = 0; label < labelBytes; label++)
                    if (bytes[label] >= format.Labels[label])
                        throw new DamagedFileException(
                            path,
                            $"image {first + i} has the label {bytes[label]} where {dataset.Name} has labels from 0 to {format.Labels[label] - 1}"
                        );
                labels[first + i] = bytes[labelBytes - 1];
                bytes[labelBytes..].CopyTo(pixels[((first + i) * (record - labelBytes))..]);
            }
        }
    }
}
