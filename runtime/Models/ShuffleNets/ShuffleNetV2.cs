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

    /// <summary>Channels of each stage, and its blocks after the one that halves the size.</summary>
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

    public override FirstWeights FirstWeights { get; } = new() { Convolutions = FirstWeights.Convolution.Uniform };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images)
    {
        using var convolved = conv1.forward(images);
        return bn1.forward(convolved).relu_();
    }

    protected internal override Tensor Embed(Tensor last)
    {
        using var convolved = conv2.forward(last);
        using var active = bn2.forward(convolved).relu_();
        return ChannelMeans(active);
    }

    protected internal override Tensor Classify(Tensor embedding) => linear.forward(embedding);
}
