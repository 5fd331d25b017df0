using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// 1x1 convolution to more channels, 3x3 depthwise convolution, 1x1 convolution to few channels without activation, and a shortcut where the
/// shape stays (Sandler et al., arXiv 1801.04381, section 3.3).
/// </summary>
internal sealed class InvertedResidual : nn.Module<Tensor, Tensor>
{
    private readonly Chain conv;
    private readonly bool hasShortcut;

    /// <param name="input">Channels.</param>
    /// <param name="output">Channels.</param>
    /// <param name="stride">Of the depthwise convolution.</param>
    /// <param name="expansion">Channels of the depthwise convolution per input channel.</param>
    public InvertedResidual(int input, int output, int stride, int expansion)
        : base(nameof(InvertedResidual))
    {
        int wide = input * expansion;
        hasShortcut = stride == 1 && input == output;
        conv = new(
            new Convolution(input, wide, 1),
            new BatchNorm(wide),
            new Relu(),
            new Convolution(wide, wide, 3, stride, groups: wide),
            new BatchNorm(wide),
            new Relu(),
            new Convolution(wide, output, 1),
            new BatchNorm(output)
        );
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        Tensor output = conv.forward(input);
        return hasShortcut ? output.Increase(input) : output;
    }
}
