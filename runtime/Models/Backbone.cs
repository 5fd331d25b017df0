using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>A classification network of a stem, stages and a classifier, with readable stage outputs.</summary>
public abstract class Backbone(string name) : Network(name)
{
    protected internal abstract IReadOnlyList<Stage> Stages { get; }

    /// <summary>The requested outputs for images [batch, channels, height, width]; float32 in any precision.</summary>
    public override ModelOutput Run(Tensor images, Taps taps)
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
            channelMeans[stage] = taps.HasStageMeans(stage) ? current.ChannelMeans() : null;
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

    /// <summary>The layers before the first stage.</summary>
    protected internal abstract Tensor Begin(Tensor images);

    /// <summary>Maps the last stage's output [batch, channels, height, width] to the embedding [batch, channels].</summary>
    protected internal abstract Tensor Embed(Tensor last);

    /// <summary>Maps the embedding to logits [batch, classes].</summary>
    protected internal abstract Tensor Classify(Tensor embedding);

    private protected static Tensor InFloat32(Tensor values) => values.dtype == ScalarType.BFloat16 ? values.to(ScalarType.Float32) : values;

    private static void Leave(Tensor tensor, bool isKept)
    {
        // The autograd graph holds what backpropagation needs; without gradients this frees the memory at once.
        if (!isKept)
            tensor.Dispose();
    }
}
