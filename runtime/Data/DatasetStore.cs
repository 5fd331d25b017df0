using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Data.ImageFolders.Packed;
using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Where datasets lie: in the project's `data/NAME`, or where a package of the operating system has put them.</summary>
public static class DatasetStore
{
    public static bool IsThere(DatasetSpec spec, Workspace workspace) => FolderOf(DatasetCatalog.Describe(spec), workspace) is not null;

    /// <summary>A folder of photographs to evaluate on as it lies there, for as many classes as it has.</summary>
    /// <exception cref="MissingException">It is no such folder.</exception>
    public static DatasetSpec OfFolder(string folder) =>
        new()
        {
            Name = DatasetSpec.ImageFolder,
            Folder = folder,
            Classes = ImageFolderDataset.CountClasses(folder),
        };

    /// <summary>Whether <see cref="Fetch"/> can bring it.</summary>
    public static bool CanFetch(DatasetSpec spec) => DatasetCatalog.Describe(spec).CanBeFetched;

    /// <summary>What <see cref="Fetch"/> converts instead of a download; null: nothing.</summary>
    public static string? Convertible(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        return Layout(dataset).Adoptable(dataset, Home(dataset, workspace));
    }

    /// <summary>What to say of a dataset that is not there: what brings it, or why nothing does.</summary>
    public static string WhatIsMissing(DatasetSpec spec, Workspace workspace) => WhatIsMissing(DatasetCatalog.Describe(spec), workspace);

    /// <summary>A look at a dataset, before anything is read of it; null: it is not there. Lists a folder of photographs, so ask once.</summary>
    /// <exception cref="MissingException">It is there and cannot be used; the message says why and what to do.</exception>
    public static DatasetSurvey? Survey(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        if (FolderOf(dataset, workspace) is { } folder)
        {
            return Usable(dataset, folder, () => Layout(dataset).Survey(dataset, folder));
        }

        return !dataset.CanBeFetched && StateOf(dataset, workspace).IsBegun ? throw new MissingException(WhatIsMissing(dataset, workspace)) : null;
    }

    /// <exception cref="MissingException">It is not there, or damaged; the message says what brings it.</exception>
    public static Dataset Open(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        var folder = FolderOf(dataset, workspace) ?? throw new MissingException(WhatIsMissing(dataset, workspace));
        return Usable(dataset, folder, () => Layout(dataset).Open(dataset, folder));
    }

    /// <summary>Says what to do where a file cannot be used.</summary>
    private static T Usable<T>(DatasetDescriptor dataset, string folder, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DamagedFileException error)
        {
            throw new MissingException($"{error.Message} {HowToRepair(dataset)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException($"The dataset {dataset.Name} in {folder} cannot be read: {error.Message}", error);
        }
    }

    /// <summary>What checkpoints are evaluated on: for photographs, their `val` is enough.</summary>
    /// <exception cref="MissingException">It is not there, or damaged; the message says what brings it.</exception>
    public static IImageSet OpenFinal(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        if (FolderOf(dataset, workspace) is null && Layout(dataset).OpenValidation(dataset, Home(dataset, workspace)) is { } alone)
        {
            return alone;
        }

        var whole = Open(spec, workspace);
        whole.Training.Dispose();
        return whole.Final;
    }

    /// <summary>What of a dataset is there.</summary>
    public static DatasetState StateOf(DatasetDescriptor dataset, Workspace workspace)
    {
        var home = Home(dataset, workspace);
        if (FolderOf(dataset, workspace) is { } folder)
        {
            return new(Layout(dataset).StandIn(folder) ?? folder, home, [], Layout(dataset).BytesOnDisk(dataset, folder), IsBegun: true);
        }

        var missing = Layout(dataset).Missing(dataset, home);
        var parts = dataset
            .Files.Select(file => new FileInfo(Path.Combine(home, $"{file.Name}.part")))
            .Where(part => part.Exists)
            .Sum(part => part.Length);
        var bytes = Layout(dataset).BytesOnDisk(dataset, home) + parts;
        return new(null, home, missing, bytes, IsBegun: bytes > 0 || (bytes is null && Directory.Exists(home)));
    }

    /// <summary>Downloads a known dataset into `data/NAME`. What is there already is verified, and fetched anew where it has changed.</summary>
    /// <exception cref="MissingException">It cannot be had; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what has come is kept.</exception>
    public static void Fetch(DatasetDescriptor dataset, Workspace workspace, Downloader downloader, CancellationToken stop)
    {
        var home = Home(dataset, workspace);
        if (FolderOf(dataset, workspace) is { } elsewhere && !Layout(dataset).Places(dataset, home).Contains(elsewhere))
        {
            downloader.Say($"{dataset.Name} is already there, in {elsewhere}.");
            return;
        }

        try
        {
            DatasetFetch.Run(dataset, home, WhatIsMissing(dataset, workspace), downloader, stop);
        }
        catch (DamagedFileException error)
        {
            throw new MissingException($"{error.Message} {HowToRepair(dataset)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException(
                $"{home} cannot be read or written: {error.Message.TrimEnd('.')}. Make room or give this account access to it.",
                error
            );
        }
    }

    /// <summary>The folder that holds all of it, within its own one; null: there is none.</summary>
    internal static string? FolderIn(DatasetDescriptor dataset, string home) =>
        Layout(dataset).Places(dataset, home).FirstOrDefault(folder => Layout(dataset).Missing(dataset, folder).Count == 0);

    /// <summary>Where a packed copy of photographs goes when nothing else is said: beside their folder.</summary>
    public static string PackedFolderOf(DatasetDescriptor dataset, PackFormat format, Workspace workspace) =>
        PackedFolder.Of(Home(dataset, workspace), format);

    /// <summary>Makes a packed copy of a folder of photographs, or goes on making it, or checks it where it is complete.</summary>
    /// <param name="target">Where it goes.</param>
    /// <exception cref="MissingException">The photographs are not there or not what they must be, or the copy cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop; what is complete is kept.</exception>
    public static PackResult Pack(
        DatasetDescriptor dataset,
        string target,
        PackFormat format,
        Workspace workspace,
        IWorkObserver observer,
        CancellationToken stop
    )
    {
        var folder = Home(dataset, workspace);
        return ImageFolder.IsThere(folder)
            ? Packer.Pack(folder, target, format, observer, stop)
            : throw new MissingException(ImageFolder.WhatIsMissing(dataset, folder));
    }

    private static string? FolderOf(DatasetDescriptor dataset, Workspace workspace) =>
        FolderIn(dataset, Home(dataset, workspace)) ?? (dataset.AlsoAt is { } folder ? FolderIn(dataset, folder) : null);

    private static DatasetLayout Layout(DatasetDescriptor dataset) => DatasetLayout.Of(dataset.Format);

    private static string Home(DatasetDescriptor dataset, Workspace workspace) =>
        dataset.Folder is null ? Path.Combine(workspace.Data, dataset.Name) : workspace.Resolve(dataset.Folder);

    private static string WhatIsMissing(DatasetDescriptor dataset, Workspace workspace) =>
        Layout(dataset).WhatIsMissing(dataset, Home(dataset, workspace));

    private static string HowToRepair(DatasetDescriptor dataset) =>
        dataset.CanBeFetched
            ? $"To fetch it again: dotnet fsi build.fsx data fetch {dataset.Name}"
            : $"To restore it: git checkout -- data/{dataset.Name}";
}
