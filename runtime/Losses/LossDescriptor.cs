using ChannelDistillation.Models;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Losses;

/// <summary>What is known of a loss without building it, and how to build it. YAML keys, checks, schema and docs follow from it.</summary>
public sealed record LossDescriptor
{
    /// <summary>The key in experiments.</summary>
    public required string Name { get; init; }

    /// <summary>The method's full name.</summary>
    public required string Title { get; init; }

    /// <summary>Paper, and code where values follow it.</summary>
    public required string Source { get; init; }

    /// <summary>In plain text, one line.</summary>
    public required string Formula { get; init; }

    public double DefaultWeight { get; init; } = 1;

    public IReadOnlyList<ParameterDescriptor> Parameters { get; init; } = [];

    /// <summary>What it reads of the teacher; <see cref="TeacherSignal.None"/>: it works without one.</summary>
    public TeacherSignal Needs { get; init; } = TeacherSignal.None;

    /// <summary>Why these features cannot be paired, in words for the user; null: they can.</summary>
    public Func<FeaturePair, string?> WhyNotPaired { get; init; } = _ => null;

    public required Func<LossContext, Loss> Create { get; init; }

    public bool NeedsTeacher => Needs != TeacherSignal.None;

    public Parameters DefaultParameters => new(Parameters.Select(parameter => KeyValuePair.Create(parameter.Name, parameter.DefaultValue)));
}

/// <summary>Parts of a teacher's output; a cohort computes the union of what its active losses need.</summary>
[Flags]
public enum TeacherSignal
{
    None = 0,
    Logits = 1,

    /// <summary>Stage outputs, or anything made from them.</summary>
    Features = 2,

    /// <summary>The pooled last stage.</summary>
    Embedding = 4,
}

/// <summary>Stage outputs of student and teacher, first stage first.</summary>
public sealed record FeaturePair(IReadOnlyList<FeatureShape> Student, IReadOnlyList<FeatureShape> Teacher);

/// <summary>What a loss is built from.</summary>
/// <param name="Features">Empty teacher side where there is no teacher.</param>
/// <param name="TrainingImages">Size of the training set, for methods that keep something per image.</param>
public sealed record LossContext(Parameters Parameters, FeaturePair Features, int Classes, int TrainingImages);
