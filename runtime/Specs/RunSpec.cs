namespace ChannelDistillation.Specs;

/// <summary>
/// The complete description of one training run of one student: a variant at one grid point with one seed. Names (of the experiment, the
/// variant, the run) are not part of it: they do not affect the computation.
/// </summary>
public sealed record RunSpec
{
    public required DatasetSpec Dataset { get; init; }

    /// <summary>Null without distillation.</summary>
    public TeacherSpec? Teacher { get; init; }

    public required ModelSpec Student { get; init; }

    public required TrainSpec Train { get; init; }

    /// <summary>In the order of summation; names are unique.</summary>
    public required IReadOnlyList<LossSpec> Losses { get; init; }

    /// <summary>Seed of the student's initial weights and of trainable parts of losses; also of data order and augmentation if <see cref="TrainSpec.DataSeed"/> is null.</summary>
    public required long Seed { get; init; }

    /// <summary>The seed of data order and augmentation.</summary>
    public long DataSeed => Train.DataSeed ?? Seed;
}
