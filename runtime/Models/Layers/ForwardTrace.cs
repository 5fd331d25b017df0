using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Records the convolutions of a forward pass on this thread, and which BatchNorm reads the output of which convolution.</summary>
public sealed class ForwardTrace : IDisposable
{
    [ThreadStatic]
    private static ForwardTrace? current;

    private readonly Dictionary<Tensor, Convolution> outputs = new(ReferenceEqualityComparer.Instance);
    private readonly List<(Convolution Convolution, long[] Input)> convolutions = [];
    private readonly List<(Convolution Convolution, BatchNorm Norm)> normalised = [];

    /// <summary>Traces this thread until disposed.</summary>
    public ForwardTrace() => current = this;

    /// <summary>In execution order, each with the shape of its input, [batch, channels, height, width].</summary>
    public IReadOnlyList<(Convolution Convolution, long[] Input)> Convolutions => convolutions;

    /// <summary>Convolutions whose output is the input of a BatchNorm.</summary>
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

/// <summary>Counts the multiply-accumulates of convolutions on this thread, on request (<see cref="ModelCost"/>).</summary>
internal static class MultiplyAdds
{
    [ThreadStatic]
    private static long? counted;

    /// <returns>The count of all convolutions in the action.</returns>
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

    /// <param name="places">[..., height, width]: positions of the kernel.</param>
    /// <param name="weight">Each element is used once per position.</param>
    public static void Add(Tensor places, Tensor weight)
    {
        if (counted is long sofar)
            counted = sofar + weight.numel() * places.shape[^1] * places.shape[^2];
    }
}
