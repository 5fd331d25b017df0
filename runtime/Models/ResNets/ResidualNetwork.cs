using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>
/// Stem, stages of residual blocks, global average, linear classifier; state_dict names and their order are torchvision's
/// (`conv1`, `bn1`, `layer1.0.conv1`, ..., `fc`). Weights are zero until they are initialised or loaded.
/// </summary>
public sealed class ResidualNetwork : Backbone
{
    private readonly Stem stem;
    private readonly Convolution conv1;
    private readonly BatchNorm bn1;
    private readonly BlockStage[] stages;
    private readonly Linear fc;

    public ResidualNetwork(string name, ResidualArchitecture architecture, BackboneOptions options)
        : base(name)
    {
        stem = options.Stem;
        conv1 = stem == Stem.ImageNet ? new(options.Channels, architecture.StemWidth, 7, 2) : new(options.Channels, architecture.StemWidth, 3);
        bn1 = new(architecture.StemWidth);
        stages = architecture.BuildStages().ToArray();
        fc = new(architecture.Stages[^1].Channels, options.Classes);

        register_module("conv1", conv1);
        register_module("bn1", bn1);
        for (int stage = 0; stage < stages.Length; stage++)
            register_module($"layer{stage + 1}", stages[stage]);
        register_module("fc", fc);
    }

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Linear Classifier => fc;

    protected internal override Tensor Begin(Tensor images)
    {
        using var convolved = conv1.forward(images);
        var active = bn1.forward(convolved).ReluInPlace();
        if (stem == Stem.Cifar)
            return active;
        using (active)
            return active.MaxPool(3, 2, 1);
    }
}

/// <summary>The parameters of a network of a residual family.</summary>
/// <param name="StemWidth">Channels after the first convolution.</param>
/// <param name="Widths">Width of each stage's blocks; every stage after the first halves the size.</param>
/// <param name="Depths">Blocks in each stage.</param>
/// <param name="Bottlenecks">Whether blocks are <see cref="Bottleneck"/> instead of <see cref="BasicBlock"/>.</param>
public sealed record ResidualArchitecture(int StemWidth, IReadOnlyList<int> Widths, IReadOnlyList<int> Depths, bool Bottlenecks)
{
    /// <summary>Channels of each stage's output, and its stride.</summary>
    public IReadOnlyList<(int Channels, int Stride)> Stages { get; } =
        Widths.Select((width, stage) => (width * (Bottlenecks ? Bottleneck.Expansion : 1), stage == 0 ? 1 : 2)).ToArray();

    public IEnumerable<BlockStage> BuildStages()
    {
        int input = StemWidth;
        for (int stage = 0; stage < Widths.Count; stage++)
        {
            var (output, stride) = Stages[stage];
            (int before, int width) = (input, Widths[stage]);
            yield return new BlockStage(
                Enumerable.Range(0, Depths[stage]).Select(block => MakeBlock(block == 0 ? before : output, width, block == 0 ? stride : 1))
            );
            input = output;
        }
    }

    private Block MakeBlock(int input, int width, int stride) =>
        Bottlenecks ? new Bottleneck(input, width, stride) : new BasicBlock(input, width, stride);
}
