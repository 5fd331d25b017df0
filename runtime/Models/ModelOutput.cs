using System.Collections;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>The requested outputs of one forward pass. Reading an output that was not requested throws InvalidOperationException.</summary>
/// <param name="features">For each stage, null if not requested; as for pre-activations and channel means.</param>
public sealed class ModelOutput(
    Tensor? logits,
    IReadOnlyList<Tensor?> features,
    Tensor? embedding,
    IReadOnlyList<Tensor?>? preActivations = null,
    IReadOnlyList<Tensor?>? channelMeans = null,
    Tensor? logitMap = null
)
{
    /// <summary>[batch, classes].</summary>
    public Tensor Logits => logits ?? throw NotComputed("the logits");

    /// <summary>Stage outputs (after ReLU, if the stage ends with one), first stage first, each [batch, channels, height, width].</summary>
    public IReadOnlyList<Tensor> Features { get; } = new Requested(features, "the output of stage");

    /// <summary>Stage outputs before their last ReLU; the outputs themselves if a stage ends without one.</summary>
    public IReadOnlyList<Tensor> PreActivations { get; } = new Requested(preActivations ?? [], "the pre-activation of stage");

    /// <summary>Global average of each channel of the stage outputs, each [batch, channels].</summary>
    public IReadOnlyList<Tensor> ChannelMeans { get; } = new Requested(channelMeans ?? [], "the channel means of stage");

    /// <summary>The pooled features before the classifier, [batch, channels].</summary>
    public Tensor Embedding => embedding ?? throw NotComputed("the embedding");

    /// <summary>
    /// The classifier applied to each position of the map whose average is the embedding, [batch, classes, height, width]; its average is the logits.
    /// </summary>
    public Tensor LogitMap => logitMap ?? throw NotComputed("the logits of each position");

    /// <summary>Separate outputs of the two networks of an <see cref="AssistedNetwork"/>.</summary>
    public (ModelOutput Student, ModelOutput Assistant) Parts
    {
        get => field is (not null, not null) ? field : throw new InvalidOperationException("This network has no assistant.");
        init;
    }

    /// <summary>Any of its tensors, all of which have the same lifetime.</summary>
    internal Tensor Any =>
        features
            .Append(logits)
            .Append(embedding)
            .Append(logitMap)
            .Concat(preActivations ?? [])
            .Concat(channelMeans ?? [])
            .First(tensor => tensor is not null)!;

    private static InvalidOperationException NotComputed(string what) => new($"This forward pass did not compute {what}.");

    private sealed class Requested(IReadOnlyList<Tensor?> values, string what) : IReadOnlyList<Tensor>
    {
        public int Count => values.Count;

        public Tensor this[int stage] => values[stage] ?? throw NotComputed($"{what} {stage + 1}");

        public IEnumerator<Tensor> GetEnumerator() => Enumerable.Range(0, Count).Select(stage => this[stage]).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
