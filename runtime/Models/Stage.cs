using ChannelDistillation.Models.Layers;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A part of a network with a readable output, also before its last activation.</summary>
public abstract class Stage(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>The stage's output.</summary>
    /// <param name="keep">Whether the pre-activation is needed; otherwise the activation is done in place.</param>
    /// <param name="preActivation">Null if not needed; the output itself if the stage ends without an activation.</param>
    public abstract Tensor Run(Tensor input, bool keep, out Tensor? preActivation);

    public sealed override Tensor forward(Tensor input) => Run(input, false, out _);
}

/// <summary>A layer that ends with a ReLU.</summary>
public abstract class Block(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>A new tensor: the output before the ReLU.</summary>
    public abstract Tensor BeforeActivation(Tensor input);

    public sealed override Tensor forward(Tensor input) => BeforeActivation(input).ReluInPlace();
}

/// <summary>A sequence of blocks named by their position: `0`, `1`, ...</summary>
public sealed class BlockStage : Stage
{
    private readonly Block[] blocks;

    public BlockStage(IEnumerable<Block> blocks)
        : base(nameof(BlockStage))
    {
        this.blocks = [.. blocks];
        for (int index = 0; index < this.blocks.Length; index++)
            register_module(index.ToString(), this.blocks[index]);
    }

    public override Tensor Run(Tensor input, bool keep, out Tensor? preActivation)
    {
        Tensor current = input;
        for (int index = 0; index < blocks.Length - 1; index++)
            current = Next(current, blocks[index].forward(current));
        Tensor last = Next(current, blocks[^1].BeforeActivation(current));
        preActivation = keep ? last : null;
        return keep ? last.Relu() : last.ReluInPlace();

        Tensor Next(Tensor before, Tensor after)
        {
            if (!ReferenceEquals(before, input))
                before.Dispose();
            return after;
        }
    }
}
