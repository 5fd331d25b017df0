using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>The network of <see cref="ShuffleNetsV1"/>; state_dict names are the CRD benchmark's (`conv1`, `layer1.0.conv1`, ..., `linear`).</summary>
public sealed class ShuffleNetV1 : Backbone
{
    private const int StemWidth = 24;
    private const int Groups = 3;

    private static readonly (int Channels, int Depth)[] Plan = [(240, 4), (480, 8), (960, 4)];

    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly BlockStage[] stages;
    private readonly Linear linear;

    public ShuffleNetV1(string name, BackboneOptions options)
        : base(name)
    {
        conv1 = new(options.Channels, StemWidth, 1);
        bn1 = new(StemWidth);
        stages = [.. BuildStages()];
        linear = new(Plan[^1].Channels, options.Classes);

        register_module(nameof(conv1), conv1);
        register_module(nameof(bn1), bn1);
        for (int stage = 0; stage < stages.Length; stage++)
            register_module($"layer{stage + 1}", stages[stage]);
        register_module(nameof(linear), linear);
    }

    public override WeightInit WeightInit { get; } = new() { Convolutions = WeightInit.Convolution.Uniform };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images)
    {
        using var convolved = conv1.forward(images);
        return bn1.forward(convolved).ReluInPlace();
    }

    protected internal override Linear Classifier => linear;

    private static IEnumerable<BlockStage> BuildStages()
    {
        int before = StemWidth;
        foreach (var (channels, depth) in Plan)
        {
            int input = before;
            // The stem's few channels are not split into groups.
            int first = input == StemWidth ? 1 : Groups;
            yield return new(
                Enumerable
                    .Range(0, depth)
                    .Select(block => block == 0 ? new ShuffleUnit(input, channels, 2, first, Groups) : new(channels, channels, 1, Groups, Groups))
            );
            before = channels;
        }
    }
}

/// <summary>
/// ShuffleNet (Zhang et al., arXiv 1707.01083) for small images as in the CRD benchmark (arXiv 1910.10699): 3 groups, a 1x1 convolution as
/// the stem, three stages of 240, 480 and 960 channels.
/// </summary>
public static class ShuffleNetsV1
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        new()
        {
            Name = "shufflenetv1",
            Doc = "ShuffleNet with 3 groups for small images, three stages of 240, 480 and 960 channels",
            Source = "Zhang et al., ShuffleNet, arXiv 1707.01083; stem and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(240, 2), (480, 2), (960, 2)],
            Create = options => new ShuffleNetV1("shufflenetv1", options),
        },
    ];
}
