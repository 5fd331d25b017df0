using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>What is known of a dataset without opening it. Entries come from data/datasets.yaml.</summary>
public sealed record DatasetDescriptor
{
    public required string Name { get; init; }

    public required string Doc { get; init; }

    public required string License { get; init; }

    public string? Homepage { get; init; }

    public required DatasetFormat Format { get; init; }

    /// <summary>Images as the models see them (after padding or cropping).</summary>
    public required ImageShape Image { get; init; }

    public required int Classes { get; init; }

    /// <summary>0: not known before the folder is read.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>0: not known before the folder is read.</summary>
    public required int ValidationImages { get; init; }

    /// <summary>What pixel values are normalised with where an experiment says nothing.</summary>
    public required NormalizationSpec Normalization { get; init; }

    /// <summary>Normalisations that the literature uses, by their names.</summary>
    public IReadOnlyDictionary<string, NormalizationSpec> Normalizations { get; init; } = new Dictionary<string, NormalizationSpec>();

    /// <summary>What training images go through where an experiment says nothing.</summary>
    public required AugmentationSpec Augmentation { get; init; }

    /// <summary>Photographs only: what their shorter side is resized to before the middle is cut out of them for validation.</summary>
    public int EvaluationResize { get; init; }

    /// <summary>Where an experiment says that it lies, as written there; null: at its own place.</summary>
    public string? Folder { get; init; }

    /// <summary>A folder outside the project where a package of the operating system may have put the files.</summary>
    public string? AlsoAt { get; init; }

    /// <summary>The files that make up the dataset; empty for folders of photographs.</summary>
    public IReadOnlyList<DatasetFile> Files { get; init; } = [];

    /// <summary>Whether all of it has a public address.</summary>
    public bool CanBeFetched => Files.Count > 0 && Files.All(file => file.Url is not null);

    public long DownloadBytes => Files.Sum(file => file.Bytes);

    /// <summary>
    /// Images that are trained and validated on; 0: not known before the folder is read. Where a part is held out, rounding within each
    /// class can make a difference of a few.
    /// </summary>
    public (int Training, int Validation) Images(HeldOutSpec? held)
    {
        if (held is null)
            return (TrainingImages, ValidationImages);
        int heldOut = (int)Math.Round(TrainingImages * held.Share);
        return (TrainingImages - heldOut, heldOut);
    }
}

/// <summary>One file of a dataset.</summary>
/// <param name="Url">Public address; null: the file is part of the repository.</param>
/// <param name="Bytes">Size as downloaded.</param>
/// <param name="Sha256">Of the file as downloaded, 64 hexadecimal digits; null where <paramref name="Url"/> is.</param>
public sealed record DatasetFile(string Name, Uri? Url = null, long Bytes = 0, string? Sha256 = null)
{
    /// <summary>As it is fetched; null: it is part of the repository.</summary>
    public RemoteFile? Remote => Url is null ? null : new(Name, Url, Bytes, Sha256!);
}

/// <summary>How a dataset is stored.</summary>
public enum DatasetFormat
{
    /// <summary>Four gzip files as MNIST came in.</summary>
    Idx,

    /// <summary>The binary archives of CIFAR-10 and CIFAR-100.</summary>
    Cifar,

    /// <summary>`train/` and `val/`, each with one folder of photographs per class.</summary>
    ImageFolder,
}
