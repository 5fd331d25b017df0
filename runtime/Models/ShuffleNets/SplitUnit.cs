using ChannelDistillation.Models.Layers;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Half of the channels pass through; the others go through 1x1, 3x3 depthwise and 1x1 convolution; then all are shuffled (Ma et al.,
/// arXiv 1807.11164, figure 3c). Layers named as in the CRD benchmark.
/// </summary>
internal sealed class SplitUnit : Stage
{
    private readonly int half;
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Convolution conv3;
    private readonly BatchNorm bn3;

    /// <param name="width">Channels of input and output, even.</param>
    public SplitUnit(int width)
        : base(nameof(SplitUnit))
    {
        half = width / 2;
        conv1 = new(half, half, 1);
        bn1 = new(half);
        conv2 = new(half, half, 3, groups: half);
        bn2 = new(half);
        conv3 = new(half, half, 1);
        bn3 = new(half);
        RegisterComponents();
    }

    /// <summary>As in the benchmark, the pre-activation is not shuffled: the order of its channels differs from the output's.</summary>
    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        using var untouched = input.Channels(0, half);
        using var other = input.Channels(half, half);
        using var first = conv1.forward(other);
        using var active = bn1.forward(first).ReluInPlace();
        using var second = conv2.forward(active);
        using var spatial = bn2.forward(second);
        using var third = conv3.forward(spatial);
        using var last = bn3.forward(third);
        preActivation = keep ? Operators.Concatenate(untouched, last) : null;
        using var made = keep ? last.Relu() : last.ReluInPlace();
        using var beside = Operators.Concatenate(untouched, made);
        return beside.Shuffle(2);
    }
}
