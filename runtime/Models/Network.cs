using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A classification network whose intermediate outputs can be read.</summary>
public abstract class Network(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>How its weights are drawn.</summary>
    public virtual WeightInit WeightInit => WeightInit.Default;

    /// <summary>
    /// From now on its convolutions and linear layers compute in this precision. Parameters and BatchNorm's arithmetic stay float32, and so is
    /// whatever <see cref="Run(Tensor, Taps)"/> gives.
    /// </summary>
    /// <param name="isFrozen">Its parameters do not change any more: they are cast once.</param>
    public virtual void ComputeIn(Precision precision, bool isFrozen = false)
    {
        ScalarType? type = precision == Precision.BFloat16 ? ScalarType.BFloat16 : null;
        foreach (CastingLayer layer in modules().OfType<CastingLayer>())
            layer.ComputeIn(type, isFrozen);
    }

    /// <summary>Everything of images [batch, channels, height, width] but the pre-activations.</summary>
    public ModelOutput Run(Tensor images) => Run(images, Taps.Everything);

    /// <summary>What is asked for, of images [batch, channels, height, width]; float32 in any precision.</summary>
    public abstract ModelOutput Run(Tensor images, Taps taps);

    /// <summary>The logits alone.</summary>
    public sealed override Tensor forward(Tensor images) => Run(images, Taps.Logits).Logits;

    /// <summary>Parameters and buffers by name, in PyTorch's order.</summary>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        this.StateInPyTorchOrder(destination, prefix);

    /// <summary>Global average of each channel, [batch, channels], in float32: a mean of thousands of numbers deserves more bits than each of them has.</summary>
    private protected static Tensor ChannelMeans(Tensor maps) =>
        maps.dtype == ScalarType.BFloat16 ? maps.mean([2, 3], type: ScalarType.Float32) : maps.mean([2, 3]);
}

public static class NetworkLayout
{
    /// <summary>Stores the weights of all convolutions of a module in this layout; activations follow them. Parameters stay the same objects.</summary>
    public static void Arrange(this nn.Module module, TensorLayout layout)
    {
        if (module is ScriptedNetwork network)
            network.Arrange(layout);
        foreach (Convolution convolution in module.modules().Prepend(module).OfType<Convolution>())
            convolution.Arrange(layout);
    }
}
