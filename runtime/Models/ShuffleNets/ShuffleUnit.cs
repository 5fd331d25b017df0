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
        using var active = bn1.forward(first).ReluInPlace();
        using var shuffled = active.Shuffle(groups);
        using var second = conv2.forward(shuffled);
        using var spatial = bn2.forward(second).ReluInPlace();
        using var third = conv3.forward(spatial);
        Tensor output = bn3.forward(third);
        if (stride == 1)
            return output.AddInPlace(input);
        using (output)
        using (var shortcut = input.AveragePool(3, 2, 1))
            return Operators.Concatenate(output, shortcut);
    }
}
