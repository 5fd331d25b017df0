using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>2x2 max-pooling, then 3x3 convolutions, each with bias, BatchNorm and ReLU.</summary>
/// <param name="input">Channels.</param>
/// <param name="width">Channels of every convolution.</param>
/// <param name="depth">Convolutions.</param>
/// <param name="poolsFrom">Maps of less than this height are not pooled.</param>
internal sealed class VggStage(int input, int width, int depth, int poolsFrom) : Stage(nameof(VggStage))
{
    /// <summary>The convolutions, without the last ReLU. The network registers it under its own name: in the state there is no stage around it.</summary>
    public Chain Block { get; } = new(Layers(input, width, depth));

    /// <summary>Convolution, BatchNorm, ReLU and so on, ending with a BatchNorm.</summary>
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
        using var pooled = input.shape[2] >= poolsFrom ? nn.functional.max_pool2d(input, 2, 2) : null;
        Tensor output = Block.forward(pooled ?? input);
        preActivation = keep ? output : null;
        return keep ? output.relu() : output.relu_();
    }
}
