using ChannelDistillation.Core;
using ChannelDistillation.Data.ImageFolders;
using ChannelDistillation.Downloads;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Data;

/// <summary>Properties of a dataset that are known without opening it. Entries come from data/datasets.yaml.</summary>
public sealed record DatasetDescriptor
{
    public required string Name { get; init; }

    public required string Doc { get; init; }

    public required string License { get; init; }

    public string? Homepage { get; init; }

    public required DatasetFormat Format { get; init; }

    /// <summary>Size of the models' input images (after padding or cropping).</summary>
    public required ImageShape Image { get; init; }

    public required int Classes { get; init; }

    /// <summary>Names of the classes, in the order of the labels; empty if unknown, as for image folders before they are opened.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>0 if unknown before the folder is read.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>0 if unknown before the folder is read.</summary>
    public required int ValidationImages { get; init; }

    /// <summary>The default normalisation.</summary>
    public required NormalizationSpec Normalization { get; init; }

    /// <summary>Normalisations from the literature, by name.</summary>
    public IReadOnlyDictionary<string, NormalizationSpec> Normalizations { get; init; } = new Dictionary<string, NormalizationSpec>();

    /// <summary>The default augmentation.</summary>
    public required AugmentationSpec Augmentation { get; init; }

    /// <summary>Image folders only: the shorter side is resized to this before the centre crop for validation.</summary>
    public int EvaluationResize { get; init; }

    /// <summary>The folder given in the experiment, as written there; null: the default folder.</summary>
    public string? Folder { get; init; }

    /// <summary>A folder outside the project in which an operating system package may have installed the files.</summary>
    public string? AlsoAt { get; init; }

    /// <summary>The dataset's files; empty for image folders.</summary>
    public IReadOnlyList<DatasetFile> Files { get; init; } = [];

    /// <summary>Whether all files have public addresses.</summary>
    public bool CanBeFetched => Files.Count > 0 && Files.All(file => file.Url is not null);

    public long DownloadBytes => Files.Sum(file => file.Bytes);

    /// <summary>
    /// Number of training and validation images; 0 if unknown before the folder is read. With a hold-out split, rounding within each
    /// class can change them by a few.
    /// </summary>
    public (int Training, int Validation) Images(HoldOutSpec? held)
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
/// <param name="Sha256">Of the file as downloaded, 64 hexadecimal digits; null if <paramref name="Url"/> is null.</param>
public sealed record DatasetFile(string Name, Uri? Url = null, long Bytes = 0, string? Sha256 = null)
{
    /// <summary>The download; null if the file is part of the repository.</summary>
    public RemoteFile? Remote => Url is null ? null : new(Name, Url, Bytes, Sha256!);
}

/// <summary>How a dataset is stored.</summary>
public enum DatasetFormat
{
    /// <summary>Four gzip files in the format of MNIST.</summary>
    Idx,

    /// <summary>The binary archives of CIFAR-10 and CIFAR-100.</summary>
    Cifar,

    /// <summary>`train/` and `val/`, each with one folder of images per class.</summary>
    ImageFolder,
}
