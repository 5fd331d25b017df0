using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>All calls of libtorch's convolution.</summary>
internal static class ConvolutionOperator
{
    // Models also run without a chosen device, to count their operations.
    static ConvolutionOperator() => NativeWarnings.Silence();

    /// <summary>
    /// Convolves images [batch, input, height, width] with a weight [output, input / groups, height, width]. On the CPU, a 1x1
    /// convolution with one group is computed as a matrix product unless both are contiguous: for five combinations of channels, oneDNN divides by zero
    /// while planning a channels-last 1x1 convolution on some CPUs, which crashes the process (docs/decisions/0005).
    /// </summary>
    /// <param name="bias">[output], or null.</param>
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
        // libtorch's criterion for the layout: the strides of either.
        && (images.stride(1) == 1 || weight.stride(2) != 1);

    /// <summary>Rows are pixels, columns are channels; channels-last images need no copy at stride 1.</summary>
    private static Tensor MatrixProduct(Tensor images, Tensor weight, Tensor? bias, long[] stride)
    {
        // A mean over one pixel: faster than a slice in the forward pass, and a single pass backward.
        using Tensor? sampled = stride is [1, 1] ? null : nn.functional.avg_pool2d(images, [1L, 1L], stride);
        using Tensor pixels = (sampled ?? images).permute(0, 2, 3, 1);
        using Tensor rows = pixels.reshape(-1, pixels.size(3));
        using Tensor matrix = weight.view(weight.size(0), weight.size(1));
        using Tensor product = nn.functional.linear(rows, matrix, bias);
        using Tensor output = product.view(pixels.size(0), pixels.size(1), pixels.size(2), -1);
        return output.permute(0, 3, 1, 2);
    }
}
