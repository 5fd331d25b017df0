using ChannelDistillation.Models.Layers;

namespace ChannelDistillation.Specs;

/// <summary>The frozen network that students learn from: read from a checkpoint, or trained first by a recipe and then shared.</summary>
public sealed record TeacherSpec
{
    public required ModelSpec Model { get; init; }

    /// <summary>Path of a checkpoint as written in the experiment (relative to the project's root); null where <see cref="Train"/> is set, or the model comes with its weights.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The recipe (cross-entropy only) that makes the teacher; null where <see cref="Checkpoint"/> is set.</summary>
    public TrainSpec? Train { get; init; }

    /// <summary>Initialisation and data order of a teacher trained by <see cref="Train"/>.</summary>
    public long Seed { get; init; }

    public TeacherBatchNorm BatchNorm { get; init; } = TeacherBatchNorm.RunningStats;

    /// <summary>Whether what it says of training images is kept on the disk, so that later epochs and later runs need not ask again.</summary>
    public bool Cache { get; init; }

    /// <summary>
    /// The run that trains this teacher on a dataset; null for a teacher from a checkpoint. Its seeds are the bitwise complements of those that
    /// the experiment gives, and therefore negative: no student, whose seeds are 0 or more, shares its initial weights or its order of images.
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

/// <summary>Statistics that the teacher's batch normalisation uses.</summary>
public enum TeacherBatchNorm
{
    /// <summary>Those stored in the checkpoint (evaluation mode): the default.</summary>
    RunningStats,

    /// <summary>Those of each batch (training mode), as in the published code of Channel Distillation, whose running statistics drift along.</summary>
    BatchStats,
}
