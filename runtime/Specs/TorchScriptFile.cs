namespace ChannelDistillation.Specs;

/// <summary>A TorchScript archive (`torch.jit.save`) that an experiment names with `torchscript:`. It is code, and identified by its content.</summary>
/// <param name="Name">The file's name without its folder, for display; `{seed}` is not replaced.</param>
/// <param name="Path">Where it is; absolute. It is no part of a run's identity.</param>
/// <param name="Sha256">Of its content, 64 hexadecimal digits.</param>
public sealed record TorchScriptFile(string Name, string Path, string Sha256)
{
    public bool Equals(TorchScriptFile? other) => other is not null && Name == other.Name && Sha256 == other.Sha256;

    public override int GetHashCode() => HashCode.Combine(Name, Sha256);
}
