using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;
using Linear = ChannelDistillation.Models.Layers.Linear;

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
        var (logits, embedding, logitMap) = Head(current, taps);
        Leave(current, isKept);
        return new(logits, outputs, embedding, preActivations, channelMeans, logitMap);
    }

    /// <summary>The requested outputs that follow the last stage's output [batch, channels, height, width]; null if not requested.</summary>
    internal (Tensor? Logits, Tensor? Embedding, Tensor? LogitMap) Head(Tensor last, Taps taps)
    {
        if (!taps.HasHead)
            return default;
        Tensor map = BeforePooling(last);
        Tensor? logitMap = taps.HasLogitMap ? ClassifyPositions(map) : null;
        Tensor? embedding = taps.HasLogits || taps.HasEmbedding ? map.ChannelMeans() : null;
        Leave(map, isKept: ReferenceEquals(map, last));
        Tensor? logits = taps.HasLogits ? InFloat32(Classifier.forward(embedding!)) : null;
        if (!taps.HasEmbedding && embedding is not null)
            Leave(embedding, isKept: false);
        return (logits, taps.HasEmbedding ? embedding : null, logitMap);
    }

    /// <summary>The layers before the first stage.</summary>
    protected internal abstract Tensor Begin(Tensor images);

    /// <summary>Maps the last stage's output to the map whose average is the embedding, both [batch, channels, height, width].</summary>
    protected internal virtual Tensor BeforePooling(Tensor last) => last;

    /// <summary>Maps the embedding [batch, channels] to logits [batch, classes].</summary>
    protected internal abstract Linear Classifier { get; }

    /// <summary>[batch, channels, height, width] to [batch, classes, height, width].</summary>
    private Tensor ClassifyPositions(Tensor map)
    {
        using Tensor positions = map.permute(0, 2, 3, 1);
        using Tensor classified = Classifier.forward(positions);
        using Tensor logits = InFloat32(classified);
        return logits.permute(0, 3, 1, 2);
    }

    private static Tensor InFloat32(Tensor values) => values.dtype == ScalarType.BFloat16 ? values.to(ScalarType.Float32) : values;

    private static void Leave(Tensor tensor, bool isKept)
    {
        // The autograd graph holds what backpropagation needs; without gradients this frees the memory at once.
        if (!isKept)
            tensor.Dispose();
    }
}
