namespace ChannelDistillation.Data.Cifar;

/// <summary>
/// The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): records of one or two label bytes and the image as red, green and blue
/// planes, row by row.
/// </summary>
/// <param name="Folder">Folder of the files within the archive.</param>
/// <param name="PythonFolder">The same in the Python archive.</param>
/// <param name="PythonArchive">Name of the Python archive.</param>
/// <param name="Labels">Number of values of each label byte of a record. The last label is the class.</param>
/// <param name="LabelNames">Their names in the Python files.</param>
internal sealed record CifarFormat(
    string Folder,
    string PythonFolder,
    string PythonArchive,
    IReadOnlyList<CifarFile> Training,
    CifarFile Validation,
    IReadOnlyList<int> Labels,
    IReadOnlyList<string> LabelNames
)
{
    private const int TrainingFiles10 = 5;
    private const int CoarseLabels = 20;

    public IEnumerable<CifarFile> Files => [.. Training, Validation];

    /// <summary>Files in the archive, by their paths.</summary>
    public Dictionary<string, ArchivedFile> Entries =>
        Files.ToDictionary(file => $"{Folder}/{file.Name}", file => new ArchivedFile(file.Name, file.Bytes));

    /// <summary>Files in the Python archive, whose sizes depend on the pickle version.</summary>
    public Dictionary<string, ArchivedFile> PythonEntries =>
        Files.ToDictionary(file => $"{PythonFolder}/{file.PythonName}", file => new ArchivedFile(file.PythonName, null));

    public static CifarFormat Of(DatasetDescriptor dataset)
    {
        long record = dataset.Image.Channels * dataset.Image.Height * dataset.Image.Width;
        CifarFile File(string name, int images, int labels) => new(name, images, images * (record + labels));

        return dataset.Classes == 100
            ? new(
                "cifar-100-binary",
                "cifar-100-python",
                "cifar-100-python.tar.gz",
                [File("train.bin", dataset.TrainingImages, 2)],
                File("test.bin", dataset.ValidationImages, 2),
                [CoarseLabels, dataset.Classes],
                ["coarse_labels", "fine_labels"]
            )
            : new(
                "cifar-10-batches-bin",
                "cifar-10-batches-py",
                "cifar-10-python.tar.gz",
                [
                    .. Enumerable
                        .Range(1, TrainingFiles10)
                        .Select(number => File($"data_batch_{number}.bin", dataset.TrainingImages / TrainingFiles10, 1)),
                ],
                File("test_batch.bin", dataset.ValidationImages, 1),
                [dataset.Classes],
                ["labels"]
            );
    }
}

/// <param name="Bytes">Its size.</param>
internal sealed record CifarFile(string Name, int Images, long Bytes)
{
    /// <summary>Name of the Python file.</summary>
    public string PythonName => Path.GetFileNameWithoutExtension(Name);
}

/// <param name="Bytes">Its size; null: not known.</param>
internal sealed record ArchivedFile(string Name, long? Bytes);
