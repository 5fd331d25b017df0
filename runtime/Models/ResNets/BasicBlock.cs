using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Two 3x3 convolutions and a shortcut (He et al., arXiv 1512.03385, figure 5 left), layers named as in torchvision:
/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); the shortcut is 1x1 convolution + BatchNorm if the shape changes.
/// </summary>
public sealed class BasicBlock : Block
{
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Chain? downsample;

    /// <param name="input">Input channels.</param>
    /// <param name="width">Channels of both convolutions and of the output.</param>
    /// <param name="stride">Stride of the first convolution.</param>
    public BasicBlock(int input, int width, int stride)
        : base(nameof(BasicBlock))
    {
        conv1 = new(input, width, 3, stride);
        bn1 = new(width);
        conv2 = new(width, width, 3);
        bn2 = new(width);
        downsample = stride == 1 && input == width ? null : new(new Convolution(input, width, 1, stride), new BatchNorm(width));
        RegisterComponents();
    }

    public override Tensor BeforeActivation(Tensor input)
    {
        using var first = conv1.forward(input);
        using var hidden = bn1.forward(first).ReluInPlace();
        using var second = conv2.forward(hidden);
        var output = bn2.forward(second);
        using var shortcut = downsample?.forward(input);
        return output.AddInPlace(shortcut ?? input);
    }
}
