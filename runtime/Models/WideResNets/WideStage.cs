using ChannelDistillation.Models.Layers;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Blocks of a <see cref="WideResNet"/>. The stage ends with a sum; BatchNorm and ReLU of it belong to what comes next. Its pre-activation is
/// the sum through that BatchNorm, whose running statistics count the batch once, when the network itself gets there.
/// </summary>
internal sealed class WideStage : Stage
{
    private readonly WideBlock[] blocks;
    private readonly Chain layer;

    // A function, as TorchSharp would take a field of the next stage's layer for a part of this stage.
    private readonly Func<Tensor, Tensor> look;

    /// <param name="input">Channels.</param>
    /// <param name="width">Channels of the output.</param>
    /// <param name="stride">Of the first block.</param>
    /// <param name="depth">Blocks.</param>
    /// <param name="behind">The BatchNorm that the output goes to; not this stage's own.</param>
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
