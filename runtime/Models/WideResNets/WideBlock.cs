using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// BatchNorm and ReLU before each of two 3x3 convolutions, and a shortcut (Zagoruyko and Komodakis, arXiv 1605.07146, figure 1a):
/// conv2(relu(bn2(conv1(a)))) + shortcut, where a = relu(bn1(x)). The shortcut is x itself, or a 1x1 convolution of a where the number of
/// channels changes. Layers named as in the CRD benchmark.
/// </summary>
internal sealed class WideBlock : nn.Module<Tensor, Tensor>
{
    private readonly BatchNorm bn1;
    private readonly Convolution conv1;
    private readonly BatchNorm bn2;
    private readonly Convolution conv2;
    private readonly Convolution? convShortcut;

    /// <param name="input">Channels.</param>
    /// <param name="width">Channels of both convolutions and of the output.</param>
    /// <param name="stride">Of the first convolution.</param>
    public WideBlock(int input, int width, int stride)
        : base(nameof(WideBlock))
    {
        bn1 = new(input);
        conv1 = new(input, width, 3, stride);
        bn2 = new(width);
        conv2 = new(width, width, 3);
        convShortcut = input == width ? null : new(input, width, 1, stride);
        RegisterComponents();
    }

    internal BatchNorm First => bn1;

    public override Tensor forward(Tensor input)
    {
        using var active = bn1.forward(input).relu_();
        using var first = conv1.forward(active);
        using var hidden = bn2.forward(first).relu_();
        var output = conv2.forward(hidden);
        using var shortcut = convShortcut?.forward(active);
        return output.Increase(shortcut ?? input);
    }
}
