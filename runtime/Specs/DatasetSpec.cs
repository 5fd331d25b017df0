using ChannelDistillation.Data.ImageFolders;

namespace ChannelDistillation.Specs;

/// <summary>The dataset of a run: a named one, or an image folder with one sub-folder per class.</summary>
public sealed record DatasetSpec
{
    /// <summary>A name from data/datasets.yaml, or `image_folder`.</summary>
    public required string Name { get; init; }

    /// <summary>The folder with `train/` and `val/`, for <see cref="ImageFolder"/> only; as written in the experiment.</summary>
    public string? Folder { get; init; }

    /// <summary>Number of classes, for <see cref="ImageFolder"/> only.</summary>
    public int? Classes { get; init; }

    /// <summary>Augmentation of training images; null: the dataset's default.</summary>
    public AugmentationSpec? Augmentation { get; init; }

    /// <summary>Normalisation of pixel values; null: the dataset's default.</summary>
    public NormalizationSpec? Normalization { get; init; }

    /// <summary>A hold-out split for validation instead of the official set; null: none.</summary>
    public HoldOutSpec? HoldOut { get; init; }

    /// <summary>
    /// Number of augmented views of each training image: an epoch uses view (epoch - 1) mod Views + 1, augmented as in the epoch of that
    /// number. Null: a new view in every epoch.
    /// </summary>
    public int? Views { get; init; }

    /// <summary>The path of an image folder, else the dataset's name.</summary>
    public string DisplayName => Folder ?? Name;

    /// <summary>The same images as stored: without augmentation and normalisation.</summary>
    public DatasetSpec AsStored => this with { Augmentation = null, Normalization = null, Views = null };

    public const string ImageFolder = "image_folder";
}

/// <summary>Random crop of a padded image, and horizontal flip.</summary>
/// <param name="Padding">Pixels added on each side before a random crop of the original size; 0: no crop.</param>
/// <param name="PaddingMode">Content of the added pixels.</param>
/// <param name="Flip">Flips an image horizontally with probability 1/2.</param>
public sealed record AugmentationSpec(int Padding, PaddingMode PaddingMode, bool Flip)
{
    /// <summary>A random crop of the image, resized to the models' input size; null: none. Image folders only.</summary>
    public ResizedCropSpec? ResizedCrop { get; init; }

    /// <summary>Whether it is random: an image then differs between epochs.</summary>
    public bool IsRandom => Padding > 0 || Flip || ResizedCrop is not null;

    public static AugmentationSpec None { get; } = new(0, PaddingMode.Zero, false);
}

/// <summary>A random crop of an image (Inception-style, Szegedy et al. 2015, arXiv 1409.4842): uniform area, log-uniform aspect ratio.</summary>
/// <param name="MinArea">Smallest fraction of the image's area, above 0.</param>
/// <param name="MaxArea">Largest fraction, up to 1.</param>
/// <param name="MinAspect">Smallest width / height.</param>
/// <param name="MaxAspect">Largest width / height.</param>
public sealed record ResizedCropSpec(double MinArea, double MaxArea, double MinAspect, double MaxAspect);

/// <summary>A hold-out split of the training set for validation: the same share of every class, drawn with a separate seed, so that all runs share it.</summary>
/// <param name="Share">Above 0 and below 1.</param>
public sealed record HoldOutSpec(double Share, long Seed = 0);

public enum PaddingMode
{
    /// <summary>Black (0 before normalisation).</summary>
    Zero,

    /// <summary>The image reflected at its border, without repeating the border.</summary>
    Reflect,
}

/// <summary>Normalises pixel values scaled to 0..1 as (value - mean) / std. Compared by value.</summary>
/// <param name="Mean">Per channel.</param>
/// <param name="Std">Per channel, above 0.</param>
public sealed record NormalizationSpec(IReadOnlyList<double> Mean, IReadOnlyList<double> Std)
{
    public bool Equals(NormalizationSpec? other) => other is not null && Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    public override int GetHashCode() => Mean.Concat(Std).Aggregate(0, HashCode.Combine);
}
