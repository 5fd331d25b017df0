using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Makes the tensors that a layer keeps. They belong to no DisposeScope: a network outlives the scope it is built in.</summary>
internal static class LayerState
{
    public static Parameter Parameter(Tensor values) => new(values.DetachFromDisposeScope(), requires_grad: true);

    public static Tensor Buffer(Tensor values) => values.DetachFromDisposeScope();
}
