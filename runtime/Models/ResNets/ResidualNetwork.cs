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

    protected internal override Tensor Embed(Tensor last) => ChannelMeans(last);

    protected internal override Tensor Classify(Tensor embedding) => fc.forward(embedding);

    protected internal override Tensor Begin(Tensor images)
    {
        using var convolved = conv1.forward(images);
        var active = bn1.forward(convolved).relu_();
        if (stem == Stem.Cifar)
            return active;
        using (active)
            return nn.functional.max_pool2d(active, 3, 2, 1);
    }
}
