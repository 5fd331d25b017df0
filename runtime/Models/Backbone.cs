using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A classification network of a stem, stages and a classifier, whose stage outputs can be read.</summary>
public abstract class Backbone(string name) : nn.Module<Tensor, Tensor>(name)
{
    protected internal abstract IReadOnlyList<Stage> Stages { get; }

    /// <summary>How its weights are drawn.</summary>
    public virtual FirstWeights FirstWeights => FirstWeights.Default;

    /// <summary>
    /// From now on its convolutions and linear layers compute in this precision. Parameters and BatchNorm's arithmetic stay float32, and so is
    /// whatever <see cref="Run(Tensor, Taps)"/> gives.
    /// </summary>
    /// <param name="isFrozen">Its parameters do not change any more: they are cast once.</param>
    public void ComputeIn(Precision precision, bool isFrozen = false)
    {
        ScalarType? type = precision == Precision.BFloat16 ? ScalarType.BFloat16 : null;
        foreach (CastingLayer layer in modules().OfType<CastingLayer>())
            layer.ComputeIn(type, isFrozen);
    }

    /// <summary>Everything of images [batch, channels, height, width] but the pre-activations.</summary>
    public ModelOutput Run(Tensor images) => Run(images, Taps.Everything);

    /// <summary>What is asked for, of images [batch, channels, height, width]; float32 in any precision.</summary>
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
            Tensor? before = preActivations[stage];
            outputs[stage] = taps.HasStage(stage) ? InFloat32(current) : null;
            preActivations[stage] = before is null ? null : InFloat32(before);
            channelMeans[stage] = taps.HasStageMeans(stage) ? ChannelMeans(current) : null;
            isKept = ReferenceEquals(outputs[stage], current) || ReferenceEquals(preActivations[stage], current);
        }
        if (!taps.HasLogits && !taps.HasEmbedding)
        {
            Leave(current, isKept);
            return new(null, outputs, null, preActivations, channelMeans);
        }
        Tensor embedding = Embed(current);
        Leave(current, isKept);
        Tensor? logits = taps.HasLogits ? InFloat32(Classify(embedding)) : null;
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

    /// <summary>Global average of each channel, [batch, channels], in float32: a mean of thousands of numbers deserves more bits than each of them has.</summary>
    private protected static Tensor ChannelMeans(Tensor maps) =>
        maps.dtype == ScalarType.BFloat16 ? maps.mean([2, 3], type: ScalarType.Float32) : maps.mean([2, 3]);

    private protected static Tensor InFloat32(Tensor values) => values.dtype == ScalarType.BFloat16 ? values.to(ScalarType.Float32) : values;

    private static void Leave(Tensor tensor, bool isKept)
    {
        // What backpropagation needs is held by its graph; without gradients this frees the memory at once.
        if (!isKept)
            tensor.Dispose();
    }
}
