using ChannelDistillation.Data.ImageFolders;

namespace ChannelDistillation.Specs;

/// <summary>What is trained on: a named dataset, or a folder of images with one sub-folder per class.</summary>
public sealed record DatasetSpec
{
    /// <summary>A name from data/datasets.yaml, or `image_folder`.</summary>
    public required string Name { get; init; }

    /// <summary>The folder with `train/` and `val/`, for <see cref="ImageFolder"/> only; as written in the experiment.</summary>
    public string? Folder { get; init; }

    /// <summary>Number of classes, for <see cref="ImageFolder"/> only.</summary>
    public int? Classes { get; init; }

    /// <summary>How training images are varied; null: the dataset's own standard.</summary>
    public AugmentationSpec? Augmentation { get; init; }

    /// <summary>What pixel values are normalised with; null: the dataset's own standard.</summary>
    public NormalizationSpec? Normalization { get; init; }

    /// <summary>A part of the training set that is validated on instead of the official set; null: none is held out.</summary>
    public HeldOutSpec? HeldOut { get; init; }

    /// <summary>
    /// How many augmented views each training image has: an epoch shows view (epoch - 1) mod Views + 1, which is varied as in the epoch of that
    /// number. Null: a new view in every epoch.
    /// </summary>
    public int? Views { get; init; }

    public const string ImageFolder = "image_folder";
}

/// <summary>Random crop out of a padded image, and horizontal flip.</summary>
/// <param name="Padding">Pixels added on each side before a crop of the original size is taken; 0: no random crop.</param>
/// <param name="PaddingMode">What the added pixels hold.</param>
/// <param name="Flip">Mirror every second image (by chance) from left to right.</param>
public sealed record AugmentationSpec(int Padding, PaddingMode PaddingMode, bool Flip)
{
    /// <summary>A random part of the image, scaled to the size that the models see; null: none. Photographs only.</summary>
    public ResizedCropSpec? ResizedCrop { get; init; }

    /// <summary>Whether chance has a part in it: an image then looks different in every epoch.</summary>
    public bool IsRandom => Padding > 0 || Flip || ResizedCrop is not null;

    public static AugmentationSpec None { get; } = new(0, PaddingMode.Zero, false);
}

/// <summary>A random part of a photograph (Inception-style crop, Szegedy et al. 2015, arXiv 1409.4842): its area uniform, its aspect ratio log-uniform.</summary>
/// <param name="MinArea">Smallest share of the image's area, above 0.</param>
/// <param name="MaxArea">Largest share, up to 1.</param>
/// <param name="MinAspect">Smallest width divided by height.</param>
/// <param name="MaxAspect">Largest width divided by height.</param>
public sealed record ResizedCropSpec(double MinArea, double MaxArea, double MinAspect, double MaxAspect);

/// <summary>Part of the training set kept for validation: of every class the same share, drawn by a seed of its own, so that all runs share it.</summary>
/// <param name="Share">Above 0 and below 1.</param>
public sealed record HeldOutSpec(double Share, long Seed = 0);

public enum PaddingMode
{
    /// <summary>Black (0 before normalisation).</summary>
    Zero,

    /// <summary>The image mirrored at its border, the border itself not repeated.</summary>
    Reflect,
}

/// <summary>Models see (value - mean) / std of pixel values scaled to 0..1. Compared by value.</summary>
/// <param name="Mean">Per channel.</param>
/// <param name="Std">Per channel, above 0.</param>
public sealed record NormalizationSpec(IReadOnlyList<double> Mean, IReadOnlyList<double> Std)
{
    public bool Equals(NormalizationSpec? other) => other is not null && Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    public override int GetHashCode() => Mean.Concat(Std).Aggregate(0, HashCode.Combine);
}
