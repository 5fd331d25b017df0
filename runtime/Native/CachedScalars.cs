using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>
/// Sums without a Scalar of their own. `a.add_(b)` makes a Scalar for its factor of 1, which nothing refers to while libtorch reads it: a garbage
/// collection that another thread causes just then frees it, and the sum fails or is wrong (TorchSharp 0.107). Rare, but training is long.
/// </summary>
internal static class CachedScalars
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>sum += other, in place.</summary>
    public static Tensor Increase(this Tensor sum, Tensor other) => sum.add_(other, One);
}
