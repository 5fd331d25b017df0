using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Halves the size of the maps in two branches, each giving half of the output's channels, which are then shuffled (Ma et al., arXiv 1807.11164,
/// figure 3d): 3x3 depthwise and 1x1 convolution, and 1x1, 3x3 depthwise and 1x1 convolution. Layers named as in the CRD benchmark.
/// </summary>
internal sealed class HalvingUnit : nn.Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Convolution conv3;
    private readonly BatchNorm bn3;
    private readonly Convolution conv4;
    private readonly BatchNorm bn4;
    private readonly Convolution conv5;
    private readonly BatchNorm bn5;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels, even.</param>
    public HalvingUnit(int input, int output)
        : base(nameof(HalvingUnit))
    {
        int half = output / 2;
        conv1 = new(input, input, 3, 2, groups: input);
        bn1 = new(input);
        conv2 = new(input, half, 1);
        bn2 = new(half);
        conv3 = new(input, half, 1);
        bn3 = new(half);
        conv4 = new(half, half, 3, 2, groups: half);
        bn4 = new(half);
        conv5 = new(half, half, 1);
        bn5 = new(half);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var left = Short(input);
        using var right = Long(input);
        using var beside = Operators.Concatenate(left, right);
        return beside.Shuffle(2);
    }

    private Tensor Short(Tensor input)
    {
        using var first = conv1.forward(input);
        using var spatial = bn1.forward(first);
        using var second = conv2.forward(spatial);
        return bn2.forward(second).ReluInPlace();
    }

    private Tensor Long(Tensor input)
    {
        using var first = conv3.forward(input);
        using var active = bn3.forward(first).ReluInPlace();
        using var second = conv4.forward(active);
        using var spatial = bn4.forward(second);
        using var third = conv5.forward(spatial);
        return bn5.forward(third).ReluInPlace();
    }
}
