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
