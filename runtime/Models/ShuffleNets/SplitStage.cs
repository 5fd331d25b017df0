using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A stage of <see cref="ShuffleNetV2"/>: one block that halves the size, then blocks that work on half of the channels.</summary>
internal sealed class SplitStage : Stage
{
    private readonly nn.Module<Tensor, Tensor>[] blocks;

    /// <param name="input">Channels.</param>
    /// <param name="width">Channels of the output.</param>
    /// <param name="depth">Blocks after the first, at least one.</param>
    public SplitStage(int input, int width, int depth)
        : base(nameof(SplitStage))
    {
        blocks = [new HalvingUnit(input, width), .. Enumerable.Range(0, depth).Select(_ => new SplitUnit(width))];
        for (int index = 0; index < blocks.Length; index++)
            register_module(index.ToString(), blocks[index]);
    }

    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        Tensor current = blocks[0].forward(input);
        foreach (var block in blocks.AsSpan(1, blocks.Length - 2))
        {
            using Tensor before = current;
            current = block.forward(before);
        }
        using (current)
            return ((SplitUnit)blocks[^1]).Run(current, keep, out preActivation);
    }
}
