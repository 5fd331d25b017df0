using ChannelDistillation.Models.Layers;

namespace ChannelDistillation.Specs;

/// <summary>The frozen teacher network: read from a checkpoint, or trained first with a recipe and then shared.</summary>
public sealed record TeacherSpec
{
    public required ModelSpec Model { get; init; }

    /// <summary>Path of a checkpoint as written in the experiment (relative to the project); null if <see cref="Train"/> is set, or the model contains its weights.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The recipe (cross-entropy only) that trains the teacher; null if <see cref="Checkpoint"/> is set.</summary>
    public TrainSpec? Train { get; init; }

    /// <summary>Seed of initial weights and data order of a teacher trained with <see cref="Train"/>.</summary>
    public long Seed { get; init; }

    public TeacherBatchNorm BatchNorm { get; init; } = TeacherBatchNorm.RunningStats;

    /// <summary>Whether the teacher's outputs for training images are cached on disk, so that later epochs and runs reuse them.</summary>
    public bool Cache { get; init; }

    /// <summary>
    /// The run that trains this teacher on a dataset; null for a teacher from a checkpoint. Its seeds are the bitwise complements of the
    /// experiment's seeds, and therefore negative: no student, whose seeds are 0 or more, shares its initial weights or data order.
    /// </summary>
    public RunSpec? AsRun(DatasetSpec dataset) =>
        Train is null
            ? null
            : new RunSpec
            {
                Dataset = dataset with { Views = null },
                Student = Model,
                Train = Train with { DataSeed = ~Train.DataSeed },
                Losses = [LossSpec.CrossEntropy],
                Seed = ~Seed,
            };
}

/// <summary>Statistics used by the teacher's batch normalisation.</summary>
public enum TeacherBatchNorm
{
    /// <summary>The running statistics of the checkpoint (evaluation mode): the default.</summary>
    RunningStats,

    /// <summary>The statistics of each batch (training mode), as in the published code of Channel Distillation, which also updates the running statistics.</summary>
    BatchStats,
}
