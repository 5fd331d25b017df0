using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>max(x, 0), in place: for the inside of a <see cref="Chain"/>, where nothing else reads its input.</summary>
public sealed class Relu() : nn.Module<Tensor, Tensor>(nameof(Relu))
{
    public override Tensor forward(Tensor input) => input.relu_();
}
