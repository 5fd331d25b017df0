namespace ChannelDistillation.Data.Cifar;

/// <summary>
/// The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two label bytes and the image, its red, green and blue
/// planes after one another, each in rows.
/// </summary>
/// <param name="Folder">Where the files lie within the archive.</param>
/// <param name="Labels">For each label byte of a record, how many values it has. The last one is the class.</param>
internal sealed record CifarFormat(string Folder, IReadOnlyList<CifarFile> Training, CifarFile Validation, IReadOnlyList<int> Labels)
{
    private const int TrainingFiles10 = 5;
    private const int CoarseLabels = 20;

    public IEnumerable<CifarFile> Files => [.. Training, Validation];

    public static CifarFormat Of(DatasetDescriptor dataset)
    {
        long record = dataset.Image.Channels * dataset.Image.Height * dataset.Image.Width;
        CifarFile File(string name, int images, int labels) => new(name, images, images * (record + labels));

        return dataset.Classes == 100
            ? new(
                "cifar-100-binary",
                [File("train.bin", dataset.TrainingImages, 2)],
                File("test.bin", dataset.ValidationImages, 2),
                [CoarseLabels, dataset.Classes]
            )
            : new(
                "cifar-10-batches-bin",
                [
                    .. Enumerable
                        .Range(1, TrainingFiles10)
                        .Select(number => File($"data_batch_{number}.bin", dataset.TrainingImages / TrainingFiles10, 1)),
                ],
                File("test_batch.bin", dataset.ValidationImages, 1),
                [dataset.Classes]
            );
    }
}

/// <param name="Bytes">Its size.</param>
internal sealed record CifarFile(string Name, int Images, long Bytes);
