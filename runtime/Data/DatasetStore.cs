using ChannelDistillation.Data.Photographs;
using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Where datasets lie: in the project's `data/NAME`, or where a package of the operating system has put them.</summary>
public static class DatasetStore
{
    public static bool IsThere(DatasetSpec spec, Workspace workspace) => FolderOf(DatasetCatalog.Describe(spec), workspace) is not null;

    /// <summary>Whether <see cref="Fetch"/> can bring it.</summary>
    public static bool CanFetch(DatasetSpec spec) => CanFetch(DatasetCatalog.Describe(spec));

    /// <summary>What to say of a dataset that is not there: what brings it, or why nothing does.</summary>
    public static string WhatIsMissing(DatasetSpec spec, Workspace workspace) => WhatIsMissing(DatasetCatalog.Describe(spec), workspace);

    /// <summary>What is known of a dataset, for a folder of photographs that is there also how many there are. Reads the folder, so ask once.</summary>
    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public static DatasetDescriptor Describe(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        return dataset.Format == DatasetFormat.ImageFolder && FolderOf(dataset, workspace) is { } folder
            ? PhotographDataset.Describe(dataset, folder)
            : dataset;
    }

    /// <exception cref="MissingException">It is not there, or damaged; the message says what brings it.</exception>
    public static Dataset Open(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        var folder = FolderOf(dataset, workspace) ?? throw new MissingException(WhatIsMissing(dataset, workspace));
        try
        {
            return dataset.Format == DatasetFormat.ImageFolder ? PhotographDataset.Open(dataset, folder) : IdxDataset.Open(dataset, folder);
        }
        catch (DamagedFileException error)
        {
            throw new MissingException($"{error.Message} {HowToRepair(dataset)}", error);
        }
    }

    /// <summary>Downloads a known dataset into `data/NAME`, unless it is there.</summary>
    /// <exception cref="MissingException">It cannot be had; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what has come is kept.</exception>
    public static void Fetch(DatasetDescriptor dataset, Workspace workspace, Downloader downloader, CancellationToken stop)
    {
        if (FolderOf(dataset, workspace) is { } folder)
        {
            downloader.Say($"{dataset.Name} is already there, in {folder}.");
            return;
        }

        if (!CanFetch(dataset))
        {
            throw new MissingException(WhatIsMissing(dataset, workspace));
        }

        var target = Home(dataset, workspace);
        foreach (var file in dataset.Files)
        {
            downloader.Bring(file.Remote!, Path.Combine(target, file.Name), stop);
        }

        downloader.Say($"{dataset.Name} is complete, in {target}.");
    }

    private static bool CanOpen(DatasetDescriptor dataset) => dataset.Format is DatasetFormat.Idx or DatasetFormat.ImageFolder;

    private static bool CanFetch(DatasetDescriptor dataset) =>
        CanOpen(dataset) && dataset.Files.Count > 0 && dataset.Files.All(file => file.Url is not null);

    private static string Home(DatasetDescriptor dataset, Workspace workspace) =>
        dataset.Folder is null ? Path.Combine(workspace.Data, dataset.Name) : workspace.Resolve(dataset.Folder);

    /// <summary>The first folder that holds all files; null: there is none, or nothing here could read it.</summary>
    private static string? FolderOf(DatasetDescriptor dataset, Workspace workspace)
    {
        string?[] folders = CanOpen(dataset) ? [Home(dataset, workspace), dataset.AlsoAt] : [];
        return folders.FirstOrDefault(folder =>
            folder is not null
            && (
                dataset.Format == DatasetFormat.ImageFolder
                    ? PhotographFolder.IsThere(folder)
                    : dataset.Files.All(file => File.Exists(Path.Combine(folder, file.Name)))
            )
        );
    }

    private static string WhatIsMissing(DatasetDescriptor dataset, Workspace workspace) =>
        dataset switch
        {
            { Format: DatasetFormat.ImageFolder } => PhotographFolder.WhatIsMissing(dataset, Home(dataset, workspace)),
            _ when !CanOpen(dataset) =>
                $"This version cannot fetch or read the dataset {dataset.Name} yet; experiments with it can be checked and planned.",
            _ when CanFetch(dataset) =>
                $"The dataset {dataset.Name} is not in data/{dataset.Name}. To fetch it: dotnet fsi build.fsx data fetch {dataset.Name}",
            _ =>
                $"The dataset {dataset.Name} is not in data/{dataset.Name}, though it is part of the repository. To restore it: git checkout -- data/{dataset.Name}",
        };

    private static string HowToRepair(DatasetDescriptor dataset) =>
        CanFetch(dataset)
            ? $"Remove it, then fetch it again: dotnet fsi build.fsx data fetch {dataset.Name}"
            : $"To restore it: git checkout -- data/{dataset.Name}";
}
