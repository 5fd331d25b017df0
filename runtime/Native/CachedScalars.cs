using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>
/// Sums with a cached Scalar. `a.add_(b)` creates a Scalar for its factor 1, to which nothing refers while libtorch reads it: a garbage
/// collection caused by another thread at that moment frees it, and the sum fails or is wrong (TorchSharp 0.107). This is rare, but training is long.
/// </summary>
internal static class CachedScalars
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>sum += other, in place.</summary>
    public static Tensor Increase(this Tensor sum, Tensor other) => sum.add_(other, One);
}
