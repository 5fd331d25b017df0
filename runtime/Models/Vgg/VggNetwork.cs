using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>The network of <see cref="VggNets"/>; state_dict names are the CRD benchmark's (`block0.0`, ..., `classifier`).</summary>
public sealed class VggNetwork : Backbone
{
    private static readonly int[] Widths = [64, 128, 256, 512, 512];

    private readonly Chain block0;
    private readonly VggStage[] stages;
    private readonly Linear classifier;

    /// <param name="depths">Convolutions of each group, five numbers.</param>
    public VggNetwork(string name, IReadOnlyList<int> depths, BackboneOptions options)
        : base(name)
    {
        block0 = new(VggStage.Layers(options.Channels, Widths[0], depths[0]));
        stages = [.. Enumerable.Range(1, 4).Select(group => new VggStage(Widths[group - 1], Widths[group], depths[group], PoolsFrom(group)))];
        classifier = new(Widths[^1], options.Classes);

        register_module("block0", block0);
        for (int stage = 0; stage < stages.Length; stage++)
            register_module($"block{stage + 1}", stages[stage].Block);
        register_module("classifier", classifier);
    }

    public override FirstWeights FirstWeights { get; } = new() { LinearLayers = FirstWeights.Linear.SmallNormal };

    /// <summary>Max-pooling of stride 2 rounds down, and the last one is there for large images only.</summary>
    public static IReadOnlyList<FeatureShape> Shapes(ImageShape image)
    {
        (int height, int width) = (image.Height, image.Width);
        var shapes = new List<FeatureShape>();
        for (int group = 1; group < Widths.Length; group++)
        {
            if (height >= PoolsFrom(group))
                (height, width) = (height / 2, width / 2);
            shapes.Add(new(Widths[group], height, width));
        }
        return shapes;
    }

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => block0.forward(images).relu_();

    protected internal override Tensor Embed(Tensor last) => ChannelMeans(last);

    protected internal override Tensor Classify(Tensor embedding) => classifier.forward(embedding);

    /// <summary>
    /// Height of the maps from which a group pools them. The benchmark has the pooling before the last group for images of 64 pixels and not for
    /// those of 32; here, from 64 pixels on.
    /// </summary>
    private static int PoolsFrom(int group) => group == Widths.Length - 1 ? 8 : 0;
}
