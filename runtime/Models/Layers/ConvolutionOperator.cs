using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>The one place from which convolutions reach libtorch.</summary>
internal static class ConvolutionOperator
{
    // Models also run where no device was chosen, to count their operations.
    static ConvolutionOperator() => NativeWarnings.Silence();

    /// <summary>
    /// The convolution of images [batch, input, height, width] with a weight [output, input / groups, height, width]. On the CPU a 1x1
    /// convolution of one group is computed as a matrix product unless both lie contiguous: with five pairs of channels oneDNN divides by zero
    /// while it plans a channels-last 1x1 convolution, on some CPUs, and the process ends (docs/decisions/0005).
    /// </summary>
    /// <param name="bias">[output]; null: none.</param>
    public static Tensor Apply(Tensor images, Tensor weight, Tensor? bias, long[] stride, long[] padding, long groups = 1) =>
        IsProduct(images, weight, padding, groups)
            ? MatrixProduct(images, weight, bias, stride)
            : nn.functional.conv2d(images, weight, bias, stride, padding, groups: groups);

    private static bool IsProduct(Tensor images, Tensor weight, long[] padding, long groups) =>
        groups == 1
        && padding is [0, 0]
        && weight.size(2) == 1
        && weight.size(3) == 1
        && images.device_type == DeviceType.CPU
        // As libtorch decides which layout to compute in: by the strides of either.
        && (images.stride(1) == 1 || weight.stride(2) != 1);

    /// <summary>Rows are pixels, columns are channels: of channels-last images that needs no copy at stride 1.</summary>
    private static Tensor MatrixProduct(Tensor images, Tensor weight, Tensor? bias, long[] stride)
    {
        // A mean over one pixel: faster than a slice forward, and in one pass backward.
        using Tensor? sampled = stride is [1, 1] ? null : nn.functional.avg_pool2d(images, [1L, 1L], stride);
        using Tensor pixels = (sampled ?? images).permute(0, 2, 3, 1);
        using Tensor rows = pixels.reshape(-1, pixels.size(3));
        using Tensor matrix = weight.view(weight.size(0), weight.size(1));
        using Tensor product = nn.functional.linear(rows, matrix, bias);
        using Tensor output = product.view(pixels.size(0), pixels.size(1), pixels.size(2), -1);
        return output.permute(0, 3, 1, 2);
    }
}
