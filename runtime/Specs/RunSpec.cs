namespace ChannelDistillation.Specs;

/// <summary>
/// One training of one student, fully described: a variant at one grid point with one seed. Names (of the experiment, the
/// variant, the run) are not part of it: they say how a run is shown, not what is computed.
/// </summary>
public sealed record RunSpec
{
    public required DatasetSpec Dataset { get; init; }

    /// <summary>Null where nothing is distilled.</summary>
    public TeacherSpec? Teacher { get; init; }

    public required ModelSpec Student { get; init; }

    public required TrainSpec Train { get; init; }

    /// <summary>In the order in which they are summed; names are unique.</summary>
    public required IReadOnlyList<LossSpec> Losses { get; init; }

    /// <summary>Initialisation of the student and of trainable parts of losses; order and augmentation of the data where <see cref="TrainSpec.DataSeed"/> is null.</summary>
    public required long Seed { get; init; }

    /// <summary>The seed that order and augmentation of the data follow.</summary>
    public long DataSeed => Train.DataSeed ?? Seed;
}
