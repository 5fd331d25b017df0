using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>The network of <see cref="MobileNets"/>; state_dict names are the CRD benchmark's (`conv1.0`, `blocks.0.0.conv.0`, ..., `classifier.0`).</summary>
public sealed class MobileNetV2 : Backbone
{
    public const int EmbeddingChannels = 1280;

    private const int StemWidth = 16;

    /// <summary>Expansion, channels, blocks and first stride of each group.</summary>
    private static readonly (int Expansion, int Channels, int Depth, int Stride)[] Groups =
    [
        (1, 8, 1, 1),
        (6, 12, 2, 1),
        (6, 16, 3, 2),
        (6, 32, 4, 2),
        (6, 48, 3, 1),
        (6, 80, 3, 2),
        (6, 160, 1, 1),
    ];

    private readonly Chain conv1;
    private readonly GroupStage[] stages;
    private readonly Chain conv2;
    private readonly Chain classifier;

    public MobileNetV2(string name, BackboneOptions options)
        : base(name)
    {
        conv1 = new(new Convolution(options.Channels, StemWidth, 3, 2), new BatchNorm(StemWidth), new Relu());
        Chain[] groups = [.. BuildGroups()];
        stages = [new(groups[..2]), new(groups[2..3]), new(groups[3..5]), new(groups[5..])];
        conv2 = new(new Convolution(Groups[^1].Channels, EmbeddingChannels, 1), new BatchNorm(EmbeddingChannels), new Relu());
        classifier = new(new Linear(EmbeddingChannels, options.Classes));

        register_module(nameof(conv1), conv1);
        register_module("blocks", new Chain(groups));
        register_module(nameof(conv2), conv2);
        register_module(nameof(classifier), classifier);
    }

    public override WeightInit WeightInit { get; } = new() { LinearLayers = WeightInit.Linear.SmallNormal };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => conv1.forward(images);

    protected internal override Tensor BeforePooling(Tensor last) => conv2.forward(last);

    protected internal override Linear Classifier => (Linear)classifier.Layers[0];

    private static IEnumerable<Chain> BuildGroups()
    {
        int before = StemWidth;
        foreach (var (expansion, channels, depth, stride) in Groups)
        {
            int input = before;
            yield return new(
                Enumerable
                    .Range(0, depth)
                    .Select(block => block == 0 ? new InvertedResidual(input, channels, stride, expansion) : new(channels, channels, 1, expansion))
            );
            before = channels;
        }
    }

    /// <summary>Groups registered in the network itself: its state has no names of stages.</summary>
    private sealed class GroupStage(IReadOnlyList<Chain> groups) : Stage(nameof(GroupStage))
    {
        public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
        {
            Tensor current = groups[0].forward(input);
            foreach (Chain group in groups.Skip(1))
            {
                using Tensor before = current;
                current = group.forward(before);
            }
            preActivation = keep ? current : null;
            return current;
        }
    }
}

/// <summary>
/// MobileNetV2 (Sandler et al., arXiv 1801.04381) for small images as in the CRD benchmark (arXiv 1910.10699): width 0.5, expansion 6, stride 2 in the first
/// convolution. Seven groups of blocks form four stages; they end with a BatchNorm, so a stage's pre-activation is its output.
/// </summary>
public static class MobileNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        MobileNetV1.Descriptor,
        new()
        {
            Name = "mobilenetv2",
            Doc = "MobileNetV2 of half width for small images, four stages of 12, 16, 48 and 160 channels",
            Source = "Sandler et al., MobileNetV2, arXiv 1801.04381; widths, strides and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            StemStride = 2,
            Stages = [(12, 1), (16, 2), (48, 2), (160, 2)],
            EmbeddingChannels = MobileNetV2.EmbeddingChannels,
            Create = options => new MobileNetV2("mobilenetv2", options),
        },
    ];
}

/// <summary>
/// 1x1 convolution to more channels, 3x3 depthwise convolution, 1x1 convolution to few channels without activation, and a shortcut if the
/// shape is unchanged (Sandler et al., arXiv 1801.04381, section 3.3).
/// </summary>
internal sealed class InvertedResidual : nn.Module<Tensor, Tensor>
{
    private readonly Chain conv;
    private readonly bool hasShortcut;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels.</param>
    /// <param name="stride">Stride of the depthwise convolution.</param>
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
        return hasShortcut ? output.AddInPlace(input) : output;
    }
}
