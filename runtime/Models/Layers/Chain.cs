using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>A sequence of layers named by their position: `0`, `1`, ...</summary>
public sealed class Chain : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor>[] layers;

    public Chain(params IEnumerable<nn.Module<Tensor, Tensor>> layers)
        : base(nameof(Chain))
    {
        this.layers = layers.ToArray();
        for (int index = 0; index < this.layers.Length; index++)
            register_module(index.ToString(), this.layers[index]);
    }

    /// <summary>The layers in their order.</summary>
    public IReadOnlyList<nn.Module<Tensor, Tensor>> Layers => layers;

    public override Tensor forward(Tensor input)
    {
        Tensor current = input;
        foreach (var layer in layers)
        {
            Tensor next = layer.forward(current);
            // The autograd graph holds what backpropagation needs; without gradients this frees the memory at once.
            if (!ReferenceEquals(current, input) && !ReferenceEquals(current, next))
                current.Dispose();
            current = next;
        }
        return current;
    }
}

/// <summary>max(x, 0), in place: for use inside a <see cref="Chain"/>, where nothing else reads its input.</summary>
public sealed class Relu() : nn.Module<Tensor, Tensor>(nameof(Relu))
{
    public override Tensor forward(Tensor input) => input.ReluInPlace();
}
