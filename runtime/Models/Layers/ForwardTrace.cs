using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Notes which convolutions a forward pass on this thread goes through, and which BatchNorm reads what a convolution gives.</summary>
public sealed class ForwardTrace : IDisposable
{
    [ThreadStatic]
    private static ForwardTrace? current;

    private readonly Dictionary<Tensor, Convolution> outputs = new(ReferenceEqualityComparer.Instance);
    private readonly List<(Convolution Convolution, long[] Input)> convolutions = [];
    private readonly List<(Convolution Convolution, BatchNorm Norm)> normalised = [];

    /// <summary>Traces this thread from here until it is disposed.</summary>
    public ForwardTrace() => current = this;

    /// <summary>In the order of the pass, each with the shape of its input, [batch, channels, height, width].</summary>
    public IReadOnlyList<(Convolution Convolution, long[] Input)> Convolutions => convolutions;

    /// <summary>Convolutions whose output goes through a BatchNorm.</summary>
    public IReadOnlyList<(Convolution Convolution, BatchNorm Norm)> Normalised => normalised;

    public void Dispose() => current = null;

    internal static void Convolved(Convolution convolution, Tensor images, Tensor output)
    {
        if (current is not { } trace)
            return;
        trace.convolutions.Add((convolution, images.shape));
        trace.outputs[output] = convolution;
    }

    internal static void Normalises(BatchNorm norm, Tensor images)
    {
        if (current is { } trace && trace.outputs.TryGetValue(images, out Convolution? convolution))
            trace.normalised.Add((convolution, norm));
    }
}

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
