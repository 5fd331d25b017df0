using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Counts the multiply-accumulates of convolutions on this thread, while somebody asks for it (<see cref="ModelCost"/>).</summary>
internal static class MultiplyAdds
{
    [ThreadStatic]
    private static long? counted;

    /// <returns>Those of all convolutions that the work ran.</returns>
    public static long During(Action work)
    {
        counted = 0;
        try
        {
            work();
            return counted.Value;
        }
        finally
        {
            counted = null;
        }
    }

    /// <param name="places">[..., height, width]: where the kernel was put.</param>
    /// <param name="weight">Every number of it is used once at each place.</param>
    public static void Add(Tensor places, Tensor weight)
    {
        if (counted is long sofar)
            counted = sofar + weight.numel() * places.shape[^1] * places.shape[^2];
    }
}
