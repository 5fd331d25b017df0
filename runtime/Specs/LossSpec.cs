using ChannelDistillation.Schedules;

namespace ChannelDistillation.Specs;

/// <summary>One term of a student's loss: weight x schedule(epoch) x loss.</summary>
public sealed record LossSpec
{
    /// <summary>A name in <see cref="Losses.LossCatalog"/>, or the experiment's name of a loss from Python.</summary>
    public required string Name { get; init; }

    /// <summary>The archive of a loss from Python; null for a loss of the catalog.</summary>
    public TorchScriptFile? Script { get; init; }

    public required double Weight { get; init; }

    /// <summary>Every parameter of the loss's descriptor, with defaults filled in.</summary>
    public Parameters Parameters { get; init; } = Parameters.Empty;

    public LossWeightSchedule Schedule { get; init; } = LossWeightSchedule.Constant;

    /// <summary>The weight during an epoch (counted from 1).</summary>
    public double WeightAt(int epoch) => Weight * Schedule.FactorAt(epoch);

    public static LossSpec CrossEntropy { get; } = new() { Name = "ce", Weight = 1 };
}
