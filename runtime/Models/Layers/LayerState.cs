using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Creates a layer's tensors. They belong to no DisposeScope, because a network outlives the scope it is created in.</summary>
internal static class LayerState
{
    public static Parameter Parameter(Tensor values) => new(values.DetachFromDisposeScope(), requires_grad: true);

    public static Tensor Buffer(Tensor values) => values.DetachFromDisposeScope();
}

public static class PyTorchState
{
    /// <summary>
    /// A module's parameters and buffers by their full names, in PyTorch's order: a layer's own parameters, its buffers, then its children.
    /// (TorchSharp puts all parameters before all buffers.) The tensors are the module's own, not copies.
    /// </summary>
    public static Dictionary<string, Tensor> StateInPyTorchOrder(
        this nn.Module module,
        Dictionary<string, Tensor>? destination = null,
        string? prefix = null
    )
    {
        destination ??= [];
        string start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
        foreach (var (name, parameter) in module.named_parameters(recurse: false))
            destination.Add(start + name, parameter);
        foreach (var (name, buffer) in module.named_buffers(recurse: false))
            destination.Add(start + name, buffer);
        foreach (var (name, child) in module.named_children())
            child.StateInPyTorchOrder(destination, start + name);
        return destination;
    }
}

/// <summary>A layer whose parameters are initialised uniformly within +-<see cref="Bound"/>, like PyTorch's own layers.</summary>
public interface IUniformlyInitialised
{
    double Bound { get; }
}
