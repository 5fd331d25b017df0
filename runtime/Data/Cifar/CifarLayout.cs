using ChannelDistillation.Core;

namespace ChannelDistillation.Data.Cifar;

/// <summary>
/// CIFAR is fetched as an archive and read from the extracted files: decompressing 170 MB takes longer than reading 184 MB, and would be
/// repeated at every start. A fetched archive is removed after extraction; an archive placed by the user is kept.
/// </summary>
internal sealed class CifarLayout : DatasetLayout
{
    public override IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder) =>
        [.. Names(dataset).Where(name => !File.Exists(Path.Combine(folder, name)))];

    /// <summary>Also the archive's folder, in case the user has unpacked it.</summary>
    public override IEnumerable<string> Places(DatasetDescriptor dataset, string home) => [home, Path.Combine(home, CifarFormat.Of(dataset).Folder)];

    public override Dataset Open(DatasetDescriptor dataset, string folder) => CifarReader.Open(dataset, folder);

    /// <summary>Checks the lengths of the files.</summary>
    public override DatasetSurvey Survey(DatasetDescriptor dataset, string folder)
    {
        foreach (CifarFile file in CifarFormat.Of(dataset).Files)
            CheckLength(Path.Combine(folder, file.Name), file.Bytes);
        return new(dataset, []);
    }

    /// <summary>Compares checksums if the files were unpacked here; otherwise, if all files exist, reads them.</summary>
    public override IEnumerable<DamagedFileException> Damaged(DatasetDescriptor dataset, string folder) =>
        [
            .. Checksums.Changed(dataset.Files, folder),
            .. Names(dataset).All(Checksums.Read(folder).ContainsKey) || Missing(dataset, folder).Count > 0
                ? Checksums.Changed(folder, Names(dataset))
                : DamagedByReading(dataset, folder),
        ];

    public override void Unpack(DatasetDescriptor dataset, string folder, IReadOnlyList<string> fetched, Action<string> say, CancellationToken stop)
    {
        // If a fetched archive still exists, unpacking was interrupted: the checksums, which are written last, may be missing.
        bool isUnfinished = dataset.Files.Any(file => fetched.Contains(file.Name) && File.Exists(Path.Combine(folder, file.Name)));
        if (Missing(dataset, folder).Count == 0 && !isUnfinished)
            return;
        foreach (string name in dataset.Files.Select(file => file.Name))
        {
            say($"Unpacking {name}");
            string archive = Path.Combine(folder, name);
            CifarArchive.Unpack(archive, CifarFormat.Of(dataset).Entries, folder, stop);
            Checksums.Write(folder, Names(dataset));
            if (fetched.Contains(name))
                File.Delete(archive);
        }
    }

    /// <summary>The Python files, or their archive.</summary>
    public override string? Adoptable(DatasetDescriptor dataset, string folder) => CifarPython.Find(CifarFormat.Of(dataset), folder);

    /// <summary>Converts the Python files.</summary>
    public override bool Adopt(DatasetDescriptor dataset, string folder, Action<string> say, CancellationToken stop)
    {
        if (Adoptable(dataset, folder) is not { } source)
            return false;
        say($"Converting {source} to {string.Join(", ", Names(dataset))}");
        try
        {
            CifarPython.Convert(dataset, source, folder, stop);
        }
        catch (DamagedFileException error)
        {
            throw new MissingException(
                $"{error.Message} Replace it with an intact copy, or delete it and download the dataset: dotnet fsi build.fsx data fetch {dataset.Name}",
                error
            );
        }

        Checksums.Write(folder, Names(dataset));
        return true;
    }

    public override string MissingMessage(DatasetDescriptor dataset, string folder)
    {
        if (Adoptable(dataset, folder) is { } source)
            return $"{source} contains its Python version, which has to be converted. `sweep` does this, or: dotnet fsi build.fsx data fetch {dataset.Name}";
        string archive = string.Join(", ", dataset.Files.Select(file => file.Name));
        return $"The dataset {dataset.Name} is not in data/{dataset.Name}. To fetch it: dotnet fsi build.fsx data fetch {dataset.Name}\n"
            + $"Without a network, put {archive} from {dataset.Homepage} there, or its files, or torchvision's {CifarFormat.Of(dataset).PythonFolder}.";
    }

    public override long? BytesOnDisk(DatasetDescriptor dataset, string folder) =>
        Names(dataset)
            .Concat(dataset.Files.Select(file => file.Name))
            .Select(name => new FileInfo(Path.Combine(folder, name)))
            .Where(file => file.Exists)
            .Sum(file => file.Length);

    private static IEnumerable<string> Names(DatasetDescriptor dataset) => CifarFormat.Of(dataset).Files.Select(file => file.Name);
}
