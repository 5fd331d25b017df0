using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// A convolution of any shape, with the parameters and the initialisation of PyTorch's Conv2d or ConvTranspose2d, for the layers of losses
/// between student and teacher. (Networks use <see cref="Convolution"/>.)
/// </summary>
public sealed class GeneralConvolution : nn.Module<Tensor, Tensor>, IUniformlyInitialised
{
    private readonly Parameter weight;
    private readonly Parameter? bias;
    private readonly long[] stride;
    private readonly long[] padding;
    private readonly bool transposed;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels.</param>
    /// <param name="kernel">Height and width.</param>
    /// <param name="transposed">A transposed convolution: a stride of 2 doubles the size.</param>
    /// <param name="gain">1 is PyTorch's default, which is Kaiming uniform with a = sqrt(5); sqrt(3) is Kaiming uniform with a = 1.</param>
    public GeneralConvolution(
        int input,
        int output,
        (int Height, int Width) kernel,
        int stride = 1,
        int padding = 0,
        bool bias = false,
        bool transposed = false,
        double gain = 1
    )
        : base(nameof(GeneralConvolution))
    {
        long[] shape = transposed ? [input, output, kernel.Height, kernel.Width] : [output, input, kernel.Height, kernel.Width];
        weight = LayerState.Parameter(zeros(shape));
        this.bias = bias ? LayerState.Parameter(zeros(output)) : null;
        this.stride = [stride, stride];
        this.padding = [padding, padding];
        this.transposed = transposed;
        // PyTorch uses the second dimension as fan_in in both cases.
        Bound = gain / Math.Sqrt(shape[1] * shape[2] * shape[3]);
        RegisterComponents();
    }

    public double Bound { get; }

    public override Tensor forward(Tensor images) =>
        transposed
            ? nn.functional.conv_transpose2d(images, weight, bias, strides: stride, padding: padding)
            : ConvolutionOperator.Apply(images, weight, bias, stride, padding);
}
