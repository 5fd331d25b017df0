using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>The network of <see cref="ShuffleNetsV2"/>; state_dict names are the CRD benchmark's (`conv1`, `layer1.0.conv1`, ..., `conv2`, `linear`).</summary>
public sealed class ShuffleNetV2 : Backbone
{
    public const int EmbeddingChannels = 1024;

    private const int StemWidth = 24;

    /// <summary>Channels of each stage, and its number of blocks after the one that halves the size.</summary>
    private static readonly (int Channels, int Depth)[] Plan = [(116, 3), (232, 7), (464, 3)];

    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly SplitStage[] stages;
    private readonly Convolution conv2;
    private readonly BatchNorm bn2;
    private readonly Linear linear;

    public ShuffleNetV2(string name, BackboneOptions options)
        : base(name)
    {
        conv1 = new(options.Channels, StemWidth, 1);
        bn1 = new(StemWidth);
        stages = [.. Plan.Select((plan, stage) => new SplitStage(stage == 0 ? StemWidth : Plan[stage - 1].Channels, plan.Channels, plan.Depth))];
        conv2 = new(Plan[^1].Channels, EmbeddingChannels, 1);
        bn2 = new(EmbeddingChannels);
        linear = new(EmbeddingChannels, options.Classes);

        register_module(nameof(conv1), conv1);
        register_module(nameof(bn1), bn1);
        for (int stage = 0; stage < stages.Length; stage++)
            register_module($"layer{stage + 1}", stages[stage]);
        register_module(nameof(conv2), conv2);
        register_module(nameof(bn2), bn2);
        register_module(nameof(linear), linear);
    }

    public override WeightInit WeightInit { get; } = new() { Convolutions = WeightInit.Convolution.Uniform };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images)
    {
        using var convolved = conv1.forward(images);
        return bn1.forward(convolved).ReluInPlace();
    }

    protected internal override Tensor BeforePooling(Tensor last)
    {
        using var convolved = conv2.forward(last);
        return bn2.forward(convolved).ReluInPlace();
    }

    protected internal override Linear Classifier => linear;
}

/// <summary>
/// ShuffleNetV2 (Ma et al., arXiv 1807.11164) of width 1 for small images as in the CRD benchmark (arXiv 1910.10699): a 1x1 convolution as
/// the stem, three stages of 116, 232 and 464 channels, each with one block more than in the paper.
/// </summary>
public static class ShuffleNetsV2
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        new()
        {
            Name = "shufflenetv2",
            Doc = "ShuffleNetV2 for small images, three stages of 116, 232 and 464 channels",
            Source = "Ma et al., ShuffleNet V2, arXiv 1807.11164; stem, depth and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(116, 2), (232, 2), (464, 2)],
            EmbeddingChannels = ShuffleNetV2.EmbeddingChannels,
            Create = options => new ShuffleNetV2("shufflenetv2", options),
        },
    ];
}

/// <summary>A stage of <see cref="ShuffleNetV2"/>: one block that halves the size, then blocks that process half of the channels.</summary>
internal sealed class SplitStage : Stage
{
    private readonly nn.Module<Tensor, Tensor>[] blocks;

    /// <param name="input">Input channels.</param>
    /// <param name="width">Output channels.</param>
    /// <param name="depth">Number of blocks after the first, at least one.</param>
    public SplitStage(int input, int width, int depth)
        : base(nameof(SplitStage))
    {
        blocks = [new HalvingUnit(input, width), .. Enumerable.Range(0, depth).Select(_ => new SplitUnit(width))];
        for (int index = 0; index < blocks.Length; index++)
            register_module(index.ToString(), blocks[index]);
    }

    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        Tensor current = blocks[0].forward(input);
        foreach (var block in blocks.AsSpan(1, blocks.Length - 2))
        {
            using Tensor before = current;
            current = block.forward(before);
        }
        using (current)
            return ((SplitUnit)blocks[^1]).Run(current, keep, out preActivation);
    }
}
