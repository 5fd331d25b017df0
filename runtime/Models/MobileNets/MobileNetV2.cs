using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

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

    public override FirstWeights FirstWeights { get; } = new() { LinearLayers = FirstWeights.Linear.SmallNormal };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => conv1.forward(images);

    protected internal override Tensor Embed(Tensor last)
    {
        using var active = conv2.forward(last);
        return ChannelMeans(active);
    }

    protected internal override Tensor Classify(Tensor embedding) => classifier.forward(embedding);

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

    /// <summary>Groups that belong to the network; its state names them without the stage.</summary>
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
