using ChannelDistillation.Core;

namespace ChannelDistillation.Specs;

/// <summary>A network by its name in <see cref="Models.ModelCatalog"/>, or from Python.</summary>
/// <param name="Name">For example `resnet18` or `resnet8x4`.</param>
/// <param name="Stem">First layers; null: <see cref="Stem.Cifar"/> for images of up to 64 pixels, <see cref="Models.Stem.ImageNet"/> above.</param>
public sealed record ModelSpec(string Name, Stem? Stem = null)
{
    /// <summary>The archive with the network and its weights; null for a network of the catalog.</summary>
    public TorchScriptFile? Script { get; init; }

    /// <summary>A network from Python.</summary>
    public static ModelSpec Of(TorchScriptFile script) => new(script.Name) { Script = script };
}

/// <summary>A TorchScript archive (`torch.jit.save`) that an experiment names with `torchscript:`. It contains code, and is identified by its content.</summary>
/// <param name="Name">The file's name without its folder, for display; `{seed}` is not replaced.</param>
/// <param name="Path">Absolute path. It is not part of a run's identity.</param>
/// <param name="Sha256">Of its content, 64 hexadecimal digits.</param>
public sealed record TorchScriptFile(string Name, string Path, string Sha256)
{
    public bool Equals(TorchScriptFile? other) => other is not null && Name == other.Name && Sha256 == other.Sha256;

    public override int GetHashCode() => HashCode.Combine(Name, Sha256);
}
