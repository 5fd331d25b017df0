using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

namespace ChannelDistillation.Models;

/// <summary>
/// MobileNet (Howard et al., arXiv 1704.04861) of full width, the usual student of ResNet-50 on ImageNet; state_dict names are mdistiller's
/// (`model.0.0`, `model.1.0`, ..., `fc`). Its 13 separable blocks form four stages with outputs of 1/4 to 1/32 of the image's size.
/// </summary>
public sealed class MobileNetV1 : Backbone
{
    private const int StemWidth = 32;

    /// <summary>Channels and first stride of each stage's blocks.</summary>
    private static readonly (int Channels, int Stride)[][] Plan =
    [
        [(64, 1), (128, 2), (128, 1)],
        [(256, 2), (256, 1)],
        [(512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)],
        [(1024, 2), (1024, 1)],
    ];

    // Blocks are numbered through the whole network: its state has no names of stages.
    private readonly Chain model;
    private readonly BlockStage[] stages;
    private readonly Linear fc;

    public static ModelDescriptor Descriptor { get; } =
        new()
        {
            Name = "mobilenetv1",
            Doc =
                "MobileNet of full width, four stages of 128, 256, 512 and 1024 channels; the first convolution and one of the first stage halve the size",
            Source = "Howard et al., MobileNets, arXiv 1704.04861; stages and names as in mdistiller",
            Stems = [Stem.Cifar],
            StemStride = 2,
            Stages = [.. Plan.Select(blocks => (blocks[^1].Channels, 2))],
            Create = options => new MobileNetV1("mobilenetv1", options),
        };

    public MobileNetV1(string name, BackboneOptions options)
        : base(name)
    {
        var stem = new Chain(new Convolution(options.Channels, StemWidth, 3, 2), new BatchNorm(StemWidth), new Relu());
        SeparableBlock[][] blocks = [.. BuildBlocks()];
        stages = [.. blocks.Select(stage => new BlockStage(stage))];
        model = new([stem, .. blocks.SelectMany(stage => stage)]);
        fc = new(Plan[^1][^1].Channels, options.Classes);

        register_module(nameof(model), model);
        register_module(nameof(fc), fc);
    }

    public override WeightInit WeightInit { get; } = new() { Convolutions = WeightInit.Convolution.Uniform };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => model.Layers[0].forward(images);

    protected internal override Linear Classifier => fc;

    private static IEnumerable<SeparableBlock[]> BuildBlocks()
    {
        int input = StemWidth;
        foreach (var stage in Plan)
        {
            var blocks = new List<SeparableBlock>();
            foreach (var (channels, stride) in stage)
            {
                blocks.Add(new(input, channels, stride));
                input = channels;
            }
            yield return [.. blocks];
        }
    }
}

/// <summary>3x3 depthwise and 1x1 convolution, each followed by BatchNorm and ReLU (Howard et al., arXiv 1704.04861, figure 3).</summary>
internal sealed class SeparableBlock : Block
{
    /// <summary>Without the ReLUs. An array, because TorchSharp would register fields under their own names.</summary>
    private readonly nn.Module<Tensor, Tensor>[] layers;

    /// <param name="input">Input channels.</param>
    /// <param name="output">Output channels.</param>
    /// <param name="stride">Stride of the depthwise convolution.</param>
    public SeparableBlock(int input, int output, int stride)
        : base(nameof(SeparableBlock))
    {
        layers =
        [
            new Convolution(input, input, 3, stride, groups: input),
            new BatchNorm(input),
            new Convolution(input, output, 1),
            new BatchNorm(output),
        ];
        // Positions in the published code's sequence, whose third and last layers are ReLUs.
        foreach (var (layer, position) in layers.Zip([0, 1, 3, 4]))
            register_module($"{position}", layer);
    }

    public override Tensor BeforeActivation(Tensor input)
    {
        using var first = layers[0].forward(input);
        using var hidden = layers[1].forward(first).ReluInPlace();
        using var second = layers[2].forward(hidden);
        return layers[3].forward(second);
    }
}
