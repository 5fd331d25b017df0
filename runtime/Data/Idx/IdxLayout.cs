namespace ChannelDistillation.Data.Idx;

/// <summary>Datasets of the MNIST family, which are read from the files as downloaded.</summary>
internal sealed class IdxLayout : DatasetLayout
{
    public override IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder) =>
        [.. dataset.Files.Select(file => file.Name).Where(name => !File.Exists(Path.Combine(folder, name)))];

    public override Dataset Open(DatasetDescriptor dataset, string folder) => IdxDataset.Open(dataset, folder);

    /// <summary>Checks the lengths of the files, where they are known.</summary>
    public override DatasetSurvey Survey(DatasetDescriptor dataset, string folder)
    {
        foreach (DatasetFile file in dataset.Files.Where(file => file.Bytes > 0))
            CheckLength(Path.Combine(folder, file.Name), file.Bytes);
        return new(dataset, []);
    }

    /// <summary>Compares checksums; files of the repository, which have none, are read instead.</summary>
    public override IEnumerable<DamagedFileException> Damaged(DatasetDescriptor dataset, string folder) =>
        dataset.CanBeFetched || Missing(dataset, folder).Count > 0 ? Checksums.Changed(dataset.Files, folder) : DamagedByReading(dataset, folder);

    public override string MissingMessage(DatasetDescriptor dataset, string folder) =>
        dataset.CanBeFetched
            ? $"The dataset {dataset.Name} is not in data/{dataset.Name}. To fetch it: dotnet fsi build.fsx data fetch {dataset.Name}"
            : $"The dataset {dataset.Name} is missing from data/{dataset.Name}, although it is part of the repository. To restore it: git checkout -- data/{dataset.Name}";

    public override long? BytesOnDisk(DatasetDescriptor dataset, string folder) =>
        dataset.Files.Select(file => new FileInfo(Path.Combine(folder, file.Name))).Where(file => file.Exists).Sum(file => file.Length);
}
