using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Native;
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
        // In reverse order: a stage's pre-activation needs the BatchNorm that follows it.
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

    public override WeightInit WeightInit { get; } = new() { LinearLayers = WeightInit.Linear.UniformWithoutBias };

    protected internal override IReadOnlyList<Stage> Stages => stages;

    protected internal override Tensor Begin(Tensor images) => conv1.forward(images);

    protected internal override Tensor BeforePooling(Tensor last) => bn1.forward(last).ReluInPlace();

    protected internal override Linear Classifier => fc;
}

/// <summary>
/// Wide ResNets for small images (Zagoruyko and Komodakis, arXiv 1605.07146), `wrnD-K`: three stages of (D - 4) / 6 pre-activation blocks,
/// K times as wide as 16, 32, 64. Features as in the CRD benchmark (arXiv 1910.10699): the sums at the ends of the stages, not activated.
/// </summary>
public static class WideResNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } = [Describe(16, 1), Describe(16, 2), Describe(40, 1), Describe(40, 2)];

    private static ModelDescriptor Describe(int layers, int factor)
    {
        string name = $"wrn{layers}-{factor}";
        int[] widths = [16 * factor, 32 * factor, 64 * factor];
        return new()
        {
            Name = name,
            Doc = $"Wide ResNet for small images, {layers} layers, three stages of widths {string.Join(", ", widths)}",
            Source = "Zagoruyko and Komodakis, Wide Residual Networks, arXiv 1605.07146; features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [.. widths.Select((width, stage) => (width, stage == 0 ? 1 : 2))],
            Create = options => new WideResNet(name, widths, (layers - 4) / 6, options),
        };
    }
}

/// <summary>
/// Blocks of a <see cref="WideResNet"/>. The stage ends with a sum; its BatchNorm and ReLU belong to the next stage. Its pre-activation is
/// the sum after that BatchNorm, whose running statistics are updated only when the network itself reaches it.
/// </summary>
internal sealed class WideStage : Stage
{
    private readonly WideBlock[] blocks;
    private readonly Chain layer;

    // A function, because TorchSharp would register a field with the next stage's layer as part of this stage.
    private readonly Func<Tensor, Tensor> look;

    /// <param name="input">Input channels.</param>
    /// <param name="width">Output channels.</param>
    /// <param name="stride">Stride of the first block.</param>
    /// <param name="depth">Number of blocks.</param>
    /// <param name="behind">The BatchNorm that follows the output; not part of this stage.</param>
    public WideStage(int input, int width, int stride, int depth, BatchNorm behind)
        : base(nameof(WideStage))
    {
        look = behind.Look;
        blocks = [.. Enumerable.Range(0, depth).Select(block => block == 0 ? new WideBlock(input, width, stride) : new(width, width, 1))];
        layer = new(blocks);
        RegisterComponents();
    }

    /// <summary>The BatchNorm that the stage begins with.</summary>
    public BatchNorm First => blocks[0].First;

    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        Tensor output = layer.forward(input);
        preActivation = keep ? look(output) : null;
        return output;
    }
}

/// <summary>
/// BatchNorm and ReLU before each of two 3x3 convolutions, and a shortcut (Zagoruyko and Komodakis, arXiv 1605.07146, figure 1a):
/// conv2(relu(bn2(conv1(a)))) + shortcut, where a = relu(bn1(x)). The shortcut is x itself, or a 1x1 convolution of a if the number of
/// channels changes. Layers named as in the CRD benchmark.
/// </summary>
internal sealed class WideBlock : nn.Module<Tensor, Tensor>
{
    private readonly BatchNorm bn1;
    private readonly Convolution conv1;
    private readonly BatchNorm bn2;
    private readonly Convolution conv2;
    private readonly Convolution? convShortcut;

    /// <param name="input">Input channels.</param>
    /// <param name="width">Channels of both convolutions and of the output.</param>
    /// <param name="stride">Stride of the first convolution.</param>
    public WideBlock(int input, int width, int stride)
        : base(nameof(WideBlock))
    {
        bn1 = new(input);
        conv1 = new(input, width, 3, stride);
        bn2 = new(width);
        conv2 = new(width, width, 3);
        convShortcut = input == width ? null : new(input, width, 1, stride);
        RegisterComponents();
    }

    internal BatchNorm First => bn1;

    public override Tensor forward(Tensor input)
    {
        using var active = bn1.forward(input).ReluInPlace();
        using var first = conv1.forward(active);
        using var hidden = bn2.forward(first).ReluInPlace();
        var output = conv2.forward(hidden);
        using var shortcut = convShortcut?.forward(active);
        return output.AddInPlace(shortcut ?? input);
    }
}
