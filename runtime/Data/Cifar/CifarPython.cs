using ChannelDistillation.Core;
using ChannelDistillation.Pickle;

namespace ChannelDistillation.Data.Cifar;

/// <summary>
/// The Python files of CIFAR, which torchvision downloads: pickles of a dict with the images and their labels. They contain the same images in the
/// same order as the binary files, and are converted to those once, so that all other code handles one format.
/// </summary>
internal static class CifarPython
{
    /// <summary>Limit for a pickle of lists and one array: a few values per image.</summary>
    private const int BytesPerImage = 256;

    /// <summary>The files or the archive in a dataset's own folder; null if there are none.</summary>
    public static string? Find(CifarFormat format, string home) =>
        new[] { home, Path.Combine(home, format.PythonFolder) }.FirstOrDefault(folder => HasAll(format, folder))
        ?? (File.Exists(Path.Combine(home, format.PythonArchive)) ? Path.Combine(home, format.PythonArchive) : null);

    /// <summary>Writes the binary files.</summary>
    /// <param name="source">The result of <see cref="Find"/>. It is not changed.</param>
    /// <exception cref="DamagedFileException">Its content is not as expected.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Convert(DatasetDescriptor dataset, string source, string home, CancellationToken stop)
    {
        var format = CifarFormat.Of(dataset);
        if (Directory.Exists(source))
        {
            Convert(dataset, format, source, home, stop);
            return;
        }

        string unpacked = Path.Combine(home, $"{format.PythonFolder}.unpacked");
        try
        {
            Directory.CreateDirectory(unpacked);
            CifarArchive.Unpack(source, format.PythonEntries, unpacked, stop);
            Convert(dataset, format, unpacked, home, stop);
        }
        finally
        {
            if (Directory.Exists(unpacked))
                Directory.Delete(unpacked, recursive: true);
        }
    }

    private static void Convert(DatasetDescriptor dataset, CifarFormat format, string folder, string home, CancellationToken stop)
    {
        foreach (CifarFile file in format.Files)
        {
            stop.ThrowIfCancellationRequested();
            (byte[] pixels, byte[][] labels) = Read(dataset, format, file, Path.Combine(folder, file.PythonName));
            int imageSize = pixels.Length / file.Images;
            AtomicFile.Write(
                Path.Combine(home, file.Name),
                stream =>
                {
                    for (var image = 0; image < file.Images; image++)
                    {
                        foreach (byte[] kind in labels)
                            stream.WriteByte(kind[image]);
                        stream.Write(pixels, image * imageSize, imageSize);
                    }
                }
            );
        }
    }

    private static bool HasAll(CifarFormat format, string folder) => format.Files.All(file => File.Exists(Path.Combine(folder, file.PythonName)));

    /// <returns>The pixels of all images, and one byte per image for each kind of label.</returns>
    private static (byte[] Pixels, byte[][] Labels) Read(DatasetDescriptor dataset, CifarFormat format, CifarFile file, string path)
    {
        int imageSize = dataset.Image.Channels * dataset.Image.Height * dataset.Image.Width;
        object? content;
        try
        {
            using var handle = InputFile.Open(path);
            long length = RandomAccess.GetLength(handle);
            content = new PickleReader(
                new PickleInput(handle, 0, length, file.Bytes + (long)file.Images * BytesPerImage),
                _ => throw PickleStack.Damaged(),
                NumpyArrays.Classes
            ).Read();
        }
        catch (InvalidDataException error)
        {
            throw new DamagedFileException(path, "it is not a CIFAR pickle", error);
        }

        return (
            Entry("data") is PickledArray { ElementType: "u1", Bytes: { } pixels } array
            && array.Shape.SequenceEqual([file.Images, imageSize])
            && pixels.Length == file.Images * imageSize
                ? pixels
                : throw new DamagedFileException(path, $"its `data` is not a byte array of {file.Images} images"),
            [.. format.LabelNames.Zip(format.Labels, Labels)]
        );

        object? Entry(string name) =>
            content is PickleDict dict ? dict.Entries.LastOrDefault(entry => NumpyArrays.Text(entry.Key) == name).Value : null;

        byte[] Labels(string name, int classes) =>
            Entry(name) is PickleList list
            && list.Items.Count == file.Images
            && list.Items.All(label => label is long value && value >= 0 && value < classes)
                ? [.. list.Items.Select(label => (byte)(long)label!)]
                : throw new DamagedFileException(path, $"its `{name}` must hold {file.Images} labels from 0 to {classes - 1}");
    }
}
