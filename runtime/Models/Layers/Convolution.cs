using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A square convolution that keeps the image's size at stride 1. Its weights are zero until they are initialised or loaded, so that
/// building a network draws no random numbers.
/// </summary>
public sealed class Convolution : CastingLayer
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    /// <summary>What a folded BatchNorm adds to each channel; no part of the state.</summary>
    private Tensor? shift;
    private readonly long[] stride;
    private readonly long[] padding;
    private readonly int groups;
    private TensorLayout layout = TensorLayout.ChannelsLast;

    /// <param name="input">Channels.</param>
    /// <param name="output">Channels.</param>
    /// <param name="size">Side of the kernel; odd.</param>
    /// <param name="stride">Along both sides.</param>
    /// <param name="groups">Groups of channels that do not see one another; as many as channels: a depthwise convolution.</param>
    /// <param name="hasBias">Adds a trained number to each output channel.</param>
    public Convolution(int input, int output, int size, int stride = 1, int groups = 1, bool hasBias = false)
        : base(nameof(Convolution))
    {
        weight = LayerState.Parameter(Zeros([output, input / groups, size, size], layout));
        bias = hasBias ? LayerState.Parameter(zeros(output)) : null;
        this.stride = [stride, stride];
        padding = [size / 2, size / 2];
        this.groups = groups;
        RegisterComponents();
    }

    /// <summary>[batch, input, height, width] to [batch, output, height / stride, width / stride], rounded up.</summary>
    public override Tensor forward(Tensor images)
    {
        Tensor? summand = bias ?? shift;
        Tensor output = ConvolutionOperator.Apply(
            Cast(images),
            CastParameter(weight),
            summand is null ? null : CastParameter(summand),
            stride,
            padding,
            groups
        );
        ForwardTrace.Convolved(this, images, output);
        MultiplyAdds.Add(output, weight);
        return output;
    }

    /// <summary>Stores the weight in a layout, from which it spreads to every activation behind.</summary>
    internal void Arrange(TensorLayout layout)
    {
        if (layout == this.layout)
            return;
        this.layout = layout;
        Forget();
        using var noGradient = no_grad();
        using Tensor values = Zeros(weight.shape, layout).copy_(weight);
        weight.set_(values);
    }

    private static Tensor Zeros(long[] shape, TensorLayout layout)
    {
        if (layout == TensorLayout.Contiguous)
            return zeros(shape);
        // The tensor behind the view would keep all weights in memory until the garbage collector comes by, which knows nothing of their size.
        using Tensor channelsLast = zeros(shape[0], shape[2], shape[3], shape[1]);
        return channelsLast.permute(0, 3, 1, 2);
    }

    /// <summary>Makes factor * output + summand of its output, for each output channel.</summary>
    /// <param name="factor">[output].</param>
    /// <param name="summand">[output].</param>
    internal void Scale(Tensor factor, Tensor summand)
    {
        weight.mul_(factor.view(-1, 1, 1, 1));
        if (bias is not null)
            bias.mul_(factor).Increase(summand);
        else
            shift = summand.DetachFromDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            shift?.Dispose();
        base.Dispose(disposing);
    }
}
