using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Grouped 1x1 convolution, channel shuffle, 3x3 depthwise convolution, grouped 1x1 convolution, and a shortcut (Zhang et al., arXiv 1707.01083,
/// figure 2b; at stride 2 figure 2c: the shortcut is a 3x3 average pooling and is concatenated instead of added). As in the
/// CRD benchmark, and unlike the paper, a ReLU follows the depthwise convolution.
/// </summary>
internal sealed class ShuffleUnit : Block
{
    private readonly int stride;
    private readonly int groups;
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Convolution conv3;
    private readonly BatchNorm bn3;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels; at stride 2 including those of the shortcut.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="firstGroups">Groups of the first convolution and of the shuffle.</param>
    /// <param name="lastGroups">Groups of the last convolution.</param>
    public ShuffleUnit(int input, int output, int stride, int firstGroups, int lastGroups)
        : base(nameof(ShuffleUnit))
    {
        this.stride = stride;
        groups = firstGroups;
        int made = stride == 2 ? output - input : output;
        int narrow = made / 4;
        conv1 = new(input, narrow, 1, groups: firstGroups);
        bn1 = new(narrow);
        conv2 = new(narrow, narrow, 3, stride, groups: narrow);
        bn2 = new(narrow);
        conv3 = new(narrow, made, 1, groups: lastGroups);
        bn3 = new(made);
        RegisterComponents();
    }

    public override Tensor BeforeActivation(Tensor input)
    {
        using var first = conv1.forward(input);
        using var active = bn1.forward(first).relu_();
        using var shuffled = ChannelShuffle.Shuffle(active, groups);
        using var second = conv2.forward(shuffled);
        using var spatial = bn2.forward(second).relu_();
        using var third = conv3.forward(spatial);
        Tensor output = bn3.forward(third);
        if (stride == 1)
            return output.Increase(input);
        using (output)
        using (var shortcut = nn.functional.avg_pool2d(input, 3, 2, 1))
            return cat([output, shortcut], 1);
    }
}

/// <summary>Shuffles channels between groups (Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1).</summary>
internal static class ChannelShuffle
{
    /// <summary>
    /// [batch, channels, height, width] to the same shape: channel j of group i becomes channel i of group j, by transposing the channels as a table
    /// of <paramref name="groups"/> rows. The result has the layout of the images.
    /// </summary>
    public static Tensor Shuffle(Tensor images, int groups)
    {
        long[] shape = images.shape;
        if (images.stride(1) != 1)
        {
            using Tensor table = images.reshape(shape[0], groups, shape[1] / groups, shape[2], shape[3]);
            using Tensor transposed = table.transpose(1, 2);
            return transposed.reshape(shape);
        }
        using Tensor last = images.permute(0, 2, 3, 1);
        using Tensor rows = last.reshape(shape[0], shape[2], shape[3], groups, shape[1] / groups);
        using Tensor columns = rows.transpose(3, 4);
        using Tensor mixed = columns.reshape(shape[0], shape[2], shape[3], shape[1]);
        return mixed.permute(0, 3, 1, 2);
    }
}
