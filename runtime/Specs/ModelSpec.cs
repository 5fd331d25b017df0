namespace ChannelDistillation.Specs;

/// <summary>A network by its name in <see cref="Models.ModelCatalog"/>.</summary>
/// <param name="Name">For instance `resnet18`, `resnet8x4`.</param>
/// <param name="Stem">First layers; null: <see cref="Models.Stem.Cifar"/> for images of up to 64 pixels, <see cref="Models.Stem.ImageNet"/> above.</param>
public sealed record ModelSpec(string Name, Models.Stem? Stem = null);
