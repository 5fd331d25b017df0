using ChannelDistillation.Core;
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

    /// <param name="depths">Number of convolutions of each of the five groups.</param>
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

    public override WeightInit WeightInit { get; } = new() { LinearLayers = WeightInit.Linear.SmallNormal };

    /// <summary>Max-pooling of stride 2 rounds down, and the last one exists for large images only.</summary>
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

    protected internal override Tensor Begin(Tensor images) => block0.forward(images).ReluInPlace();

    protected internal override Linear Classifier => classifier;

    /// <summary>
    /// Minimum height of the maps that a group pools. The benchmark pools before the last group for images of 64 pixels but not
    /// of 32; here, from 64 pixels on.
    /// </summary>
    private static int PoolsFrom(int group) => group == Widths.Length - 1 ? 8 : 0;
}

/// <summary>
/// VGG with BatchNorm for small images as in the CRD benchmark (arXiv 1910.10699): five groups of 3x3 convolutions of widths 64, 128, 256, 512, 512
/// and one linear layer. The first group is the stem; the features are the other four, after ReLU and before the next pooling.
/// </summary>
public static class VggNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [Describe(8, 1, 1, 1, 1, 1), Describe(11, 1, 1, 2, 2, 2), Describe(13, 2, 2, 2, 2, 2), Describe(16, 2, 2, 3, 3, 3), Describe(19, 2, 2, 4, 4, 4)];

    private static ModelDescriptor Describe(int layers, params int[] depths)
    {
        string name = $"vgg{layers}";
        return new()
        {
            Name = name,
            Doc = $"VGG for small images, {layers} layers with BatchNorm and one linear layer, four stages of widths 128, 256, 512, 512",
            Source = "Simonyan and Zisserman, Very Deep Convolutional Networks, arXiv 1409.1556; layers and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(128, 2), (256, 2), (512, 2), (512, 1)],
            Shapes = VggNetwork.Shapes,
            Create = options => new VggNetwork(name, depths, options),
        };
    }
}

/// <summary>2x2 max-pooling, then 3x3 convolutions, each with bias, BatchNorm and ReLU.</summary>
/// <param name="input">Input channels.</param>
/// <param name="width">Channels of every convolution.</param>
/// <param name="depth">Number of convolutions.</param>
/// <param name="poolsFrom">Maps of smaller height are not pooled.</param>
internal sealed class VggStage(int input, int width, int depth, int poolsFrom) : Stage(nameof(VggStage))
{
    /// <summary>The convolutions, without the last ReLU. The network registers them under its own names: the state has no name of the stage.</summary>
    public Chain Block { get; } = new(Layers(input, width, depth));

    /// <summary>Alternating convolution, BatchNorm and ReLU, ending with a BatchNorm.</summary>
    public static IEnumerable<nn.Module<Tensor, Tensor>> Layers(int input, int width, int depth)
    {
        for (int index = 0; index < depth; index++)
        {
            if (index > 0)
                yield return new Relu();
            yield return new Convolution(index == 0 ? input : width, width, 3, hasBias: true);
            yield return new BatchNorm(width);
        }
    }

    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        using var pooled = input.shape[2] >= poolsFrom ? input.MaxPool(2, 2) : null;
        Tensor output = Block.forward(pooled ?? input);
        preActivation = keep ? output : null;
        return keep ? output.Relu() : output.ReluInPlace();
    }
}
