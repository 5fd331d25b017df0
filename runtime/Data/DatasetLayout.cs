using ChannelDistillation.Data.Cifar;
using ChannelDistillation.Data.Idx;
using ChannelDistillation.Data.ImageFolders;

namespace ChannelDistillation.Data;

/// <summary>How datasets of one format lie in a folder. A new format is a subclass and a line in <see cref="Of"/>.</summary>
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

    /// <summary>Paths, relative to the folder, of what is not there.</summary>
    public abstract IReadOnlyList<string> Missing(DatasetDescriptor dataset, string folder);

    /// <summary>Folders to look in, the first one being where it is put when it is fetched.</summary>
    /// <param name="home">The dataset's own folder.</param>
    public virtual IEnumerable<string> Places(DatasetDescriptor dataset, string home) => [home];

    /// <summary>A folder that is read in the place of this one; null: there is none.</summary>
    public virtual string? StandIn(string folder) => null;

    /// <exception cref="DamagedFileException">A file is not what it must be.</exception>
    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public abstract Dataset Open(DatasetDescriptor dataset, string folder);

    /// <summary>The images for validation, of a folder that lacks others; null: it lacks those too.</summary>
    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public virtual IImageSet? OpenValidation(DatasetDescriptor dataset, string folder) => null;

    /// <summary>A look at a folder that holds the dataset, fast enough for a plan.</summary>
    /// <exception cref="DamagedFileException">A file is not what it must be.</exception>
    /// <exception cref="MissingException">The folder is not what it must be.</exception>
    public abstract DatasetSurvey Survey(DatasetDescriptor dataset, string folder);

    /// <summary>The files in a folder that are not what they must be, whole or not.</summary>
    public virtual IEnumerable<DamagedFileException> Damaged(DatasetDescriptor dataset, string folder) => [];

    /// <exception cref="DamagedFileException">A file has another length than it must have.</exception>
    protected static void CheckLength(string path, long bytes)
    {
        if (new FileInfo(path).Length is var found && found != bytes)
            throw new DamagedFileException(path, $"it has {found} bytes where {bytes} are expected");
    }

    /// <summary>What reading the whole dataset tells, where checksums are not known.</summary>
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

    /// <summary>Makes the files that are read out of those that were fetched.</summary>
    /// <param name="fetched">Names of those that were fetched just now.</param>
    /// <exception cref="DamagedFileException">A file is not what it must be.</exception>
    public virtual void Unpack(
        DatasetDescriptor dataset,
        string folder,
        IReadOnlyList<string> fetched,
        Action<string> say,
        CancellationToken stop
    ) { }

    /// <summary>A file or folder that holds the same in another format, which <see cref="Adopt"/> reads; null: there is none.</summary>
    public virtual string? Adoptable(DatasetDescriptor dataset, string folder) => null;

    /// <summary>Makes the files that are read out of others in the folder that hold the same, in the place of a download.</summary>
    /// <returns>Whether there were such files.</returns>
    /// <exception cref="MissingException">They do not hold the dataset.</exception>
    public virtual bool Adopt(DatasetDescriptor dataset, string folder, Action<string> say, CancellationToken stop) => false;

    /// <summary>What to say where it is not there.</summary>
    public abstract string WhatIsMissing(DatasetDescriptor dataset, string folder);

    /// <summary>Bytes of its files that are there; null: nobody has counted them.</summary>
    public abstract long? BytesOnDisk(DatasetDescriptor dataset, string folder);
}
