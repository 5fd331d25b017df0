using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>What one forward pass gives to losses.</summary>
/// <param name="Logits">[batch, classes].</param>
/// <param name="Features">Stage outputs after ReLU, first stage first, each [batch, channels, height, width].</param>
/// <param name="Embedding">The pooled last stage before the classifier, [batch, channels].</param>
public sealed record ModelOutput(Tensor Logits, IReadOnlyList<Tensor> Features, Tensor Embedding);

/// <summary>A classification network whose stage outputs can be read.</summary>
public abstract class Backbone(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Logits, stage features and embedding of images [batch, channels, height, width].</summary>
    public abstract ModelOutput Run(Tensor images);

    /// <summary>The logits alone; everything else is released at once.</summary>
    public sealed override Tensor forward(Tensor images)
    {
        var output = Run(images);
        foreach (var feature in output.Features)
            feature.Dispose();
        output.Embedding.Dispose();
        return output.Logits;
    }

    /// <summary>Parameters and buffers by name, in PyTorch's order.</summary>
    public sealed override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        this.StateInPyTorchOrder(destination, prefix);
}
