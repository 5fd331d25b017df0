namespace ChannelDistillation.Specs;

/// <summary>Models see (value - mean) / std of pixel values scaled to 0..1. Compared by value.</summary>
/// <param name="Mean">Per channel.</param>
/// <param name="Std">Per channel, above 0.</param>
public sealed record NormalizationSpec(IReadOnlyList<double> Mean, IReadOnlyList<double> Std)
{
    public bool Equals(NormalizationSpec? other) => other is not null && Mean.SequenceEqual(other.Mean) && Std.SequenceEqual(other.Std);

    public override int GetHashCode() => Mean.Concat(Std).Aggregate(0, HashCode.Combine);
}
