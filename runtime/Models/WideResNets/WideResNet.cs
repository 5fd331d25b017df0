using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>Stem, stages of <see cref="WideBlock"/>, BatchNorm, ReLU, global average, linear classifier; state_dict names are the CRD benchmark's.</summary>
public sealed class WideResNet : Backbone
{
    private const int StemWidth = 16;

    private readonly Convolution conv1;
    private readonly WideStage[] stages;
    private readonly BatchNorm bn1;
    private readonly Linear fc;

    /// <param name="widths">Channels of each stage.</param>
    /// <param name="depth">Blocks in each stage.</param>
    public WideResNet(string name, IReadOnlyList<int> widths, int depth, BackboneOptions options)
        : base(name)
    {
        conv1 = new(options.Channels, StemWidth, 3);
        bn1 = new(widths[^1]);
        fc = new(widths[^1], options.Classes);
        stages = new WideStage[widths.Count];
        // From the end: a stage's pre-activation is what the BatchNorm behind it makes of its output.
        BatchNorm behind = bn1;
        for (int stage = stages.Length - 1; stage >= 0; stage--)
        {
            stages[stage] = new(stage == 0 ? StemWidth : widths[stage - 1], widths[stage], stage == 0 ? 1 : 2, depth, behind);
            behind = stages[stage].First;
        }

        register_module("conv1", conv1);
        for (int stage = 0; stage < stages.Length; stage++)
            register_module($"block{stage + 1}", stages[stage]);
        register_module("bn1", bn1);
        register_module("fc", fc);
    }

    public override FirstWeights FirstWeights { get; } = new() { LinearLayers = FirstWeights.Linear.UniformWithoutBias };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => conv1.forward(images);

    protected internal override Tensor Embed(Tensor last)
    {
        using var active = bn1.forward(last).relu_();
        return ChannelMeans(active);
    }

    protected internal override Tensor Classify(Tensor embedding) => fc.forward(embedding);
}
