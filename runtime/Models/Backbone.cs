using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A classification network of a stem, stages and a classifier, whose stage outputs can be read.</summary>
public abstract class Backbone(string name) : nn.Module<Tensor, Tensor>(name)
{
    protected internal abstract IReadOnlyList<Stage> Stages { get; }

    /// <summary>How its weights are drawn.</summary>
    public virtual FirstWeights FirstWeights => FirstWeights.Default;

    /// <summary>Everything of images [batch, channels, height, width] but the pre-activations.</summary>
    public ModelOutput Run(Tensor images) => Run(images, Taps.Everything);

    /// <summary>What is asked for, of images [batch, channels, height, width].</summary>
    public virtual ModelOutput Run(Tensor images, Taps taps)
    {
        var outputs = new Tensor?[Stages.Count];
        var preActivations = new Tensor?[Stages.Count];
        var channelMeans = new Tensor?[Stages.Count];
        int depth = taps.Depth(Stages.Count);
        Tensor current = Begin(images);
        bool isKept = false;
        for (int stage = 0; stage < depth; stage++)
        {
            Tensor next = Stages[stage].Run(current, taps.HasPreActivation(stage), out preActivations[stage]);
            Leave(current, isKept);
            current = next;
            outputs[stage] = taps.HasStage(stage) ? current : null;
            channelMeans[stage] = taps.HasStageMeans(stage) ? current.mean([2, 3]) : null;
            isKept = outputs[stage] is not null || ReferenceEquals(preActivations[stage], current);
        }
        if (!taps.HasLogits && !taps.HasEmbedding)
        {
            Leave(current, isKept);
            return new(null, outputs, null, preActivations, channelMeans);
        }
        Tensor embedding = Embed(current);
        Leave(current, isKept);
        Tensor? logits = taps.HasLogits ? Classify(embedding) : null;
        Leave(embedding, taps.HasEmbedding);
        return new(logits, outputs, taps.HasEmbedding ? embedding : null, preActivations, channelMeans);
    }

    /// <summary>The logits alone.</summary>
    public sealed override Tensor forward(Tensor images) => Run(images, Taps.Logits).Logits;

    /// <summary>Parameters and buffers by name, in PyTorch's order.</summary>
    public sealed override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        this.StateInPyTorchOrder(destination, prefix);

    /// <summary>The layers before the first stage.</summary>
    protected internal abstract Tensor Begin(Tensor images);

    /// <summary>The last stage's output, [batch, channels, height, width], to the embedding, [batch, channels].</summary>
    protected internal abstract Tensor Embed(Tensor last);

    /// <summary>The embedding to logits, [batch, classes].</summary>
    protected internal abstract Tensor Classify(Tensor embedding);

    private static void Leave(Tensor tensor, bool isKept)
    {
        // What backpropagation needs is held by its graph; without gradients this frees the memory at once.
        if (!isKept)
            tensor.Dispose();
    }
}
