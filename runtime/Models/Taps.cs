namespace ChannelDistillation.Models;

/// <summary>
/// The outputs requested of a forward pass. It computes no deeper layers and keeps nothing else. Stages are counted from 0; there are at most 32.
/// </summary>
public readonly record struct Taps
{
    private uint Outputs { get; init; }

    private uint BeforeActivation { get; init; }

    private uint Means { get; init; }

    /// <summary>The classifier's output.</summary>
    public static Taps Logits { get; } = new() { HasLogits = true };

    /// <summary>The pooled features before the classifier.</summary>
    public static Taps Embedding { get; } = new() { HasEmbedding = true };

    /// <summary>The logits of each position of the map whose average is the embedding.</summary>
    public static Taps LogitMap { get; } = new() { HasLogitMap = true };

    /// <summary>Logits, embedding, and every stage's output and channel means.</summary>
    public static Taps Everything { get; } =
        new()
        {
            HasLogits = true,
            HasEmbedding = true,
            Outputs = uint.MaxValue,
            Means = uint.MaxValue,
        };

    public bool HasLogits { get; private init; }

    public bool HasEmbedding { get; private init; }

    public bool HasLogitMap { get; private init; }

    /// <summary>Whether it requests anything that is computed from the last stage's output.</summary>
    public bool HasHead => HasLogits || HasEmbedding || HasLogitMap;

    public bool IsNone => this == default;

    /// <summary>One stage's output.</summary>
    public static Taps Stage(int stage) => new() { Outputs = 1u << stage };

    /// <summary>The outputs of the first stages.</summary>
    public static Taps Stages(int count) => new() { Outputs = First(count) };

    /// <summary>The outputs of the first stages before their last ReLU.</summary>
    public static Taps PreActivations(int count) => new() { BeforeActivation = First(count) };

    /// <summary>The channel means of one stage's output, without keeping the output.</summary>
    public static Taps MeansOf(int stage) => new() { Means = 1u << stage };

    /// <summary>The channel means of the first stages' outputs.</summary>
    public static Taps StageMeans(int count) => new() { Means = First(count) };

    /// <summary>The union of both.</summary>
    public static Taps operator |(Taps a, Taps b) =>
        new()
        {
            HasLogits = a.HasLogits || b.HasLogits,
            HasEmbedding = a.HasEmbedding || b.HasEmbedding,
            HasLogitMap = a.HasLogitMap || b.HasLogitMap,
            Outputs = a.Outputs | b.Outputs,
            BeforeActivation = a.BeforeActivation | b.BeforeActivation,
            Means = a.Means | b.Means,
        };

    /// <summary>The stages' part of the request.</summary>
    public Taps OfStages() => this with { HasLogits = false, HasEmbedding = false, HasLogitMap = false };

    public bool HasStage(int stage) => (Outputs >> stage & 1) != 0;

    public bool HasPreActivation(int stage) => (BeforeActivation >> stage & 1) != 0;

    public bool HasStageMeans(int stage) => (Means >> stage & 1) != 0;

    /// <summary>Number of a network's stages that have to be computed.</summary>
    public int Depth(int stages) => HasHead ? stages : Math.Min(stages, 32 - int.LeadingZeroCount((int)(Outputs | BeforeActivation | Means)));

    private static uint First(int count) => count >= 32 ? uint.MaxValue : (1u << count) - 1;
}
