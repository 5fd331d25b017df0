namespace ChannelDistillation.Data.Idx;

/// <summary>Datasets of the MNIST family: their files are read as they are fetched.</summary>
internal sealed class IdxLayout : DatasetLayout
{
    public override IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder) =>
        [.. dataset.Files.Select(file => file.Name).Where(name => !File.Exists(Path.Combine(folder, name)))];

    public override Dataset Open(DatasetDescriptor dataset, string folder) => IdxDataset.Open(dataset, folder);

    /// <summary>By the lengths of their files, where those are known.</summary>
    public override DatasetSurvey Survey(DatasetDescriptor dataset, string folder)
    {
        foreach (DatasetFile file in dataset.Files.Where(file => file.Bytes > 0))
            CheckLength(Path.Combine(folder, file.Name), file.Bytes);
        return new(dataset, []);
    }

    /// <summary>By their checksums; those of the repository, which knows what they were, by what reading them tells.</summary>
    public override IEnumerable<DamagedFileException> Damaged(DatasetDescriptor dataset, string folder) =>
        dataset.CanBeFetched || Missing(dataset, folder).Count > 0 ? Checksums.Changed(dataset.Files, folder) : DamagedByReading(dataset, folder);

    public override string WhatIsMissing(DatasetDescriptor dataset, string folder) =>
        dataset.CanBeFetched
            ? $"The dataset {dataset.Name} is not in data/{dataset.Name}. To fetch it: dotnet fsi build.fsx data fetch {dataset.Name}"
            : $"The dataset {dataset.Name} is not in data/{dataset.Name}, though it is part of the repository. To restore it: git checkout -- data/{dataset.Name}";

    public override long? BytesOnDisk(DatasetDescriptor dataset, string folder) =>
        dataset.Files.Select(file => new FileInfo(Path.Combine(folder, file.Name))).Where(file => file.Exists).Sum(file => file.Length);
}
