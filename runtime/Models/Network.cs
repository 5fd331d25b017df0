using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A classification network with readable intermediate outputs.</summary>
public abstract class Network(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>The rules of its initial weights.</summary>
    public virtual WeightInit WeightInit => WeightInit.Default;

    /// <summary>
    /// Sets the precision of its convolutions and linear layers. Parameters and BatchNorm's arithmetic stay float32, as do the results of
    /// <see cref="Run(Tensor, Taps)"/>.
    /// </summary>
    /// <param name="isFrozen">Whether its parameters no longer change: they are then cast once.</param>
    public virtual void ComputeIn(Precision precision, bool isFrozen = false)
    {
        ScalarType? type = precision == Precision.BFloat16 ? ScalarType.BFloat16 : null;
        foreach (CastingLayer layer in modules().OfType<CastingLayer>())
            layer.ComputeIn(type, isFrozen);
    }

    /// <summary>All outputs except pre-activations, for images [batch, channels, height, width].</summary>
    public ModelOutput Run(Tensor images) => Run(images, Taps.Everything);

    /// <summary>The requested outputs for images [batch, channels, height, width]; float32 in any precision.</summary>
    public abstract ModelOutput Run(Tensor images, Taps taps);

    /// <summary>Only the logits.</summary>
    public sealed override Tensor forward(Tensor images) => Run(images, Taps.Logits).Logits;

    /// <summary>Parameters and buffers by name, in PyTorch's order.</summary>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        this.StateInPyTorchOrder(destination, prefix);
}

public static class NetworkLayout
{
    /// <summary>Stores the weights of all convolutions of a module in this layout, which activations follow. Parameters stay the same objects.</summary>
    public static void Arrange(this nn.Module module, TensorLayout layout)
    {
        if (module is ScriptedNetwork network)
            network.Arrange(layout);
        foreach (Convolution convolution in module.modules().Prepend(module).OfType<Convolution>())
            convolution.Arrange(layout);
    }
}
