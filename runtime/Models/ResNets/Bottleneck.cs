using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// 1x1, 3x3 and 1x1 convolution and a shortcut (He et al., arXiv 1512.03385, figure 5 right), layers named as in torchvision. As there, the
/// stride is on the 3x3 convolution ("ResNet v1.5"), not on the first as in the paper.
/// </summary>
public sealed class Bottleneck : Block
{
    /// <summary>Channels of the output per channel of the 3x3 convolution.</summary>
    public const int Expansion = 4;

    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Convolution conv3;
    private readonly BatchNorm bn3;
    private readonly Chain? downsample;

    /// <param name="input">Input channels.</param>
    /// <param name="width">Channels of the 3x3 convolution; the output has <see cref="Expansion"/> times as many.</param>
    /// <param name="stride">Stride of the 3x3 convolution.</param>
    public Bottleneck(int input, int width, int stride)
        : base(nameof(Bottleneck))
    {
        int output = width * Expansion;
        conv1 = new(input, width, 1);
        bn1 = new(width);
        conv2 = new(width, width, 3, stride);
        bn2 = new(width);
        conv3 = new(width, output, 1);
        bn3 = new(output);
        downsample = stride == 1 && input == output ? null : new(new Convolution(input, output, 1, stride), new BatchNorm(output));
        RegisterComponents();
    }

    public override Tensor BeforeActivation(Tensor input)
    {
        using var first = conv1.forward(input);
        using var narrow = bn1.forward(first).ReluInPlace();
        using var second = conv2.forward(narrow);
        using var spatial = bn2.forward(second).ReluInPlace();
        using var third = conv3.forward(spatial);
        var output = bn3.forward(third);
        using var shortcut = downsample?.forward(input);
        return output.AddInPlace(shortcut ?? input);
    }
}
