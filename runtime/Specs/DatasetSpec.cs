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

    public const string ImageFolder = "image_folder";
}

/// <summary>Random crop out of a padded image, and horizontal flip.</summary>
/// <param name="Padding">Pixels added on each side before a crop of the original size is taken; 0: no random crop.</param>
/// <param name="PaddingMode">What the added pixels hold.</param>
/// <param name="Flip">Mirror every second image (by chance) from left to right.</param>
public sealed record AugmentationSpec(int Padding, PaddingMode PaddingMode, bool Flip)
{
    public static AugmentationSpec None { get; } = new(0, PaddingMode.Zero, false);
}

public enum PaddingMode
{
    /// <summary>Black (0 before normalisation).</summary>
    Zero,

    /// <summary>The image mirrored at its border, the border itself not repeated.</summary>
    Reflect,
}
