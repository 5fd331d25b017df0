namespace ChannelDistillation.Specs;

/// <summary>A network by its name in <see cref="Models.ModelCatalog"/>, or from Python.</summary>
/// <param name="Name">For instance `resnet18`, `resnet8x4`.</param>
/// <param name="Stem">First layers; null: <see cref="Models.Stem.Cifar"/> for images of up to 64 pixels, <see cref="Models.Stem.ImageNet"/> above.</param>
public sealed record ModelSpec(string Name, Models.Stem? Stem = null)
{
    /// <summary>The archive that it is loaded from, with its weights; null: a network of the catalog.</summary>
    public TorchScriptFile? Script { get; init; }

    /// <summary>A network from Python.</summary>
    public static ModelSpec Of(TorchScriptFile script) => new(script.Name) { Script = script };
}
