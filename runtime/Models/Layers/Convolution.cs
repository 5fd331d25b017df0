using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A square convolution that preserves the image's size at stride 1. Its weights are zero until they are initialised or loaded, so that
/// creating a network draws no random numbers.
/// </summary>
public sealed class Convolution : CastingLayer
{
    private readonly Parameter weight;
    private readonly Parameter? bias;

    /// <summary>Offset per channel of a folded BatchNorm; not part of the state.</summary>
    private Tensor? shift;
    private readonly long[] stride;
    private readonly long[] padding;
    private readonly int groups;
    private TensorLayout layout = TensorLayout.ChannelsLast;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels.</param>
    /// <param name="size">Kernel size; odd.</param>
    /// <param name="stride">Vertical and horizontal stride.</param>
    /// <param name="groups">Number of groups of channels; equal to the channels for a depthwise convolution.</param>
    /// <param name="hasBias">Whether it has a trained bias per output channel.</param>
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
        Tensor? summand = Bias;
        Tensor output = ConvolutionOperator.Apply(
            Cast(images),
            CastParameter(weight),
            summand is null ? null : CastParameter(summand),
            stride,
            padding,
            groups
        );
        return ForwardTrace.Record(new Operator.Convolve(this), output, images);
    }

    /// <summary>[output, input / groups, height, width].</summary>
    internal Tensor Weight => weight;

    /// <summary>[output], including the offset of a folded BatchNorm; null if there is none.</summary>
    internal Tensor? Bias => bias ?? shift;

    /// <summary>Vertical and horizontal.</summary>
    internal IReadOnlyList<long> Stride => stride;

    /// <summary>Zeros on each side, vertical and horizontal.</summary>
    internal IReadOnlyList<long> Padding => padding;

    internal int Groups => groups;

    /// <summary>Stores the weight in a layout, which later activations follow.</summary>
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
        // The tensor behind the view would keep all weights in memory until a garbage collection, and the collector does not know its size.
        using Tensor channelsLast = zeros(shape[0], shape[2], shape[3], shape[1]);
        return channelsLast.permute(0, 3, 1, 2);
    }

    /// <summary>Changes its output to factor * output + summand, per output channel.</summary>
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
