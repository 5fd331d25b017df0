using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Data.ImageFolders.Packed;
using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Finds datasets: in the project's `data/NAME`, or where an operating system package has installed them.</summary>
public static class DatasetStore
{
    public static bool Exists(DatasetSpec spec, Workspace workspace) => FolderOf(DatasetCatalog.Describe(spec), workspace) is not null;

    /// <summary>The spec of an image folder to evaluate on as is, with the classes found in it.</summary>
    /// <exception cref="MissingException">It is not an image folder.</exception>
    public static DatasetSpec OfFolder(string folder) =>
        new()
        {
            Name = DatasetSpec.ImageFolder,
            Folder = folder,
            Classes = ImageFolderDataset.CountClasses(folder),
        };

    /// <summary>Whether <see cref="Fetch"/> can download it.</summary>
    public static bool CanFetch(DatasetSpec spec) => DatasetCatalog.Describe(spec).CanBeFetched;

    /// <summary>The file that <see cref="Fetch"/> would convert instead of downloading; null if there is none.</summary>
    public static string? Convertible(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        return Layout(dataset).Adoptable(dataset, Home(dataset, workspace));
    }

    /// <summary>The message for a missing dataset: the command that fetches it, or how to get it.</summary>
    public static string MissingMessage(DatasetSpec spec, Workspace workspace) => MissingMessage(DatasetCatalog.Describe(spec), workspace);

    /// <summary>A survey of a dataset before it is read; null if it is missing. Lists image folders, so call it once.</summary>
    /// <exception cref="MissingException">The dataset exists but cannot be used; the message says why and what to do.</exception>
    public static DatasetSurvey? Survey(DatasetSpec spec, Workspace workspace) => Survey(DatasetCatalog.Describe(spec), workspace);

    internal static DatasetSurvey? Survey(DatasetDescriptor dataset, Workspace workspace)
    {
        if (FolderOf(dataset, workspace) is { } folder)
        {
            // Operating-system packages recompress the files, so their sizes differ.
            var found = folder == dataset.AlsoAt ? dataset with { Files = [.. dataset.Files.Select(file => file with { Bytes = 0 })] } : dataset;
            return Usable(dataset, folder, () => Layout(dataset).Survey(found, folder));
        }

        return !dataset.CanBeFetched && StateOf(dataset, workspace).IsBegun ? throw new MissingException(MissingMessage(dataset, workspace)) : null;
    }

    /// <exception cref="MissingException">The dataset is missing or damaged; the message names the command that fetches it.</exception>
    public static Dataset Open(DatasetSpec spec, Workspace workspace)
    {
        var dataset = DatasetCatalog.Describe(spec);
        var folder = FolderOf(dataset, workspace) ?? throw new MissingException(MissingMessage(dataset, workspace));
        return Usable(dataset, folder, () => Layout(dataset).Open(dataset, folder));
    }

    /// <summary>Adds what to do to the error of an unusable file.</summary>
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

    /// <summary>Opens the set that checkpoints are evaluated on; for image folders, `val` is sufficient.</summary>
    /// <exception cref="MissingException">The dataset is missing or damaged; the message names the command that fetches it.</exception>
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

    /// <summary>Which parts of a dataset exist.</summary>
    public static DatasetState StateOf(DatasetDescriptor dataset, Workspace workspace)
    {
        var home = Home(dataset, workspace);
        if (FolderOf(dataset, workspace) is { } folder)
        {
            return new(Layout(dataset).FindReplacement(folder) ?? folder, home, [], Layout(dataset).BytesOnDisk(dataset, folder), IsBegun: true);
        }

        var missing = Layout(dataset).Missing(dataset, home);
        var parts = dataset
            .Files.Select(file => new FileInfo(Path.Combine(home, $"{file.Name}.part")))
            .Where(part => part.Exists)
            .Sum(part => part.Length);
        var bytes = Layout(dataset).BytesOnDisk(dataset, home) + parts;
        return new(null, home, missing, bytes, IsBegun: bytes > 0 || (bytes is null && Directory.Exists(home)));
    }

    /// <summary>Downloads a known dataset into `data/NAME`. Existing files are verified, and fetched again if they have changed.</summary>
    /// <exception cref="MissingException">The dataset cannot be fetched; the message says why and what to do.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the downloaded part is kept.</exception>
    public static void Fetch(DatasetDescriptor dataset, Workspace workspace, Downloader downloader, CancellationToken stop)
    {
        var home = Home(dataset, workspace);
        if (FolderOf(dataset, workspace) is { } elsewhere && !Layout(dataset).Places(dataset, home).Contains(elsewhere))
        {
            downloader.Say($"{dataset.Name} already exists in {elsewhere}.");
            return;
        }

        try
        {
            DatasetFetch.Run(dataset, home, MissingMessage(dataset, workspace), downloader, stop);
        }
        catch (DamagedFileException error)
        {
            throw new MissingException($"{error.Message} {HowToRepair(dataset)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new MissingException(
                $"{home} cannot be read or written: {error.Message.TrimEnd('.')}. Free disk space, or give this account access.",
                error
            );
        }
    }

    /// <summary>The complete folder within the dataset's own folder; null if there is none.</summary>
    internal static string? FolderIn(DatasetDescriptor dataset, string home) =>
        Layout(dataset).Places(dataset, home).FirstOrDefault(folder => Layout(dataset).Missing(dataset, folder).Count == 0);

    /// <summary>The default folder of a packed copy: beside the image folder.</summary>
    public static string PackedFolderOf(DatasetDescriptor dataset, PackFormat format, Workspace workspace) =>
        PackedFolder.Of(Home(dataset, workspace), format);

    /// <summary>Creates a packed copy of an image folder, resumes an interrupted one, or checks a complete one.</summary>
    /// <param name="target">Folder of the copy.</param>
    /// <exception cref="MissingException">The images are missing or unusable, or the copy cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; complete shards are kept.</exception>
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
        return ImageFolder.Exists(folder)
            ? Packer.Pack(folder, target, format, observer, stop)
            : throw new MissingException(ImageFolder.MissingMessage(dataset, folder));
    }

    private static string? FolderOf(DatasetDescriptor dataset, Workspace workspace) =>
        FolderIn(dataset, Home(dataset, workspace)) ?? (dataset.AlsoAt is { } folder ? FolderIn(dataset, folder) : null);

    private static DatasetLayout Layout(DatasetDescriptor dataset) => DatasetLayout.Of(dataset.Format);

    private static string Home(DatasetDescriptor dataset, Workspace workspace) =>
        dataset.Folder is null ? Path.Combine(workspace.Data, dataset.Name) : workspace.Resolve(dataset.Folder);

    private static string MissingMessage(DatasetDescriptor dataset, Workspace workspace) =>
        Layout(dataset).MissingMessage(dataset, Home(dataset, workspace));

    private static string HowToRepair(DatasetDescriptor dataset) =>
        dataset.CanBeFetched
            ? $"To fetch it again: dotnet fsi build.fsx data fetch {dataset.Name}"
            : $"To restore it: git checkout -- data/{dataset.Name}";
}
