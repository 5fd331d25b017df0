using ChannelDistillation.Data.Cifar;
using ChannelDistillation.Data.Idx;
using ChannelDistillation.Data.ImageFolders;

namespace ChannelDistillation.Data;

/// <summary>The file layout of datasets of one format. To add a format, add a subclass and a line in <see cref="Of"/>.</summary>
internal abstract class DatasetLayout
{
    public static DatasetLayout Of(DatasetFormat format) =>
        format switch
        {
            DatasetFormat.Idx => new IdxLayout(),
            DatasetFormat.Cifar => new CifarLayout(),
            DatasetFormat.ImageFolder => new ImageFolderLayout(),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "An unknown format."),
        };

    /// <summary>Missing files, as paths relative to the folder.</summary>
    public abstract IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder);

    /// <summary>Folders to search; fetching writes to the first.</summary>
    /// <param name="home">The dataset's own folder.</param>
    public virtual IEnumerable<string> Places(DatasetDescriptor dataset, string home) => [home];

    /// <summary>A folder that is read instead of this one; null if there is none.</summary>
    public virtual string? FindReplacement(string folder) => null;

    /// <exception cref="DamagedFileException">A file has unexpected content.</exception>
    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public abstract Dataset Open(DatasetDescriptor dataset, string folder);

    /// <summary>Opens the validation images of a folder that has no training images; null if it has no validation images either.</summary>
    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public virtual IImageSet? OpenValidation(DatasetDescriptor dataset, string folder) => null;

    /// <summary>A survey of a complete dataset folder, fast enough for `plan`.</summary>
    /// <exception cref="DamagedFileException">A file has unexpected content.</exception>
    /// <exception cref="MissingException">The folder cannot be used.</exception>
    public abstract DatasetSurvey Survey(DatasetDescriptor dataset, string folder);

    /// <summary>The damaged files in a folder, which may be incomplete.</summary>
    public virtual IEnumerable<DamagedFileException> Damaged(DatasetDescriptor dataset, string folder) => [];

    /// <exception cref="DamagedFileException">The file has another length.</exception>
    protected static void CheckLength(string path, long bytes)
    {
        if (new FileInfo(path).Length is var found && found != bytes)
            throw new DamagedFileException(path, $"it has {found} bytes instead of {bytes}");
    }

    /// <summary>Finds damage by reading the whole dataset, for files without known checksums.</summary>
    protected IEnumerable<DamagedFileException> DamagedByReading(DatasetDescriptor dataset, string folder)
    {
        try
        {
            Open(dataset, folder).Dispose();
            return [];
        }
        catch (DamagedFileException error)
        {
            return [error];
        }
    }

    /// <summary>Converts the fetched files into the files that are read.</summary>
    /// <param name="fetched">Names of the files that were just fetched.</param>
    /// <exception cref="DamagedFileException">A file has unexpected content.</exception>
    public virtual void Unpack(
        DatasetDescriptor dataset,
        string folder,
        IReadOnlyList<string> fetched,
        Action<string> say,
        CancellationToken stop
    ) { }

    /// <summary>A file or folder with the same data in another format, which <see cref="Adopt"/> converts; null if there is none.</summary>
    public virtual string? Adoptable(DatasetDescriptor dataset, string folder) => null;

    /// <summary>Converts files in the folder that contain the same data in another format, instead of downloading.</summary>
    /// <returns>Whether there were such files.</returns>
    /// <exception cref="MissingException">They do not contain the dataset.</exception>
    public virtual bool Adopt(DatasetDescriptor dataset, string folder, Action<string> say, CancellationToken stop) => false;

    /// <summary>The message for a missing dataset.</summary>
    public abstract string MissingMessage(DatasetDescriptor dataset, string folder);

    /// <summary>Total size of the existing files; null if unknown.</summary>
    public abstract long? BytesOnDisk(DatasetDescriptor dataset, string folder);
}
