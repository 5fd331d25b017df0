using ChannelDistillation.Schedules;

namespace ChannelDistillation.Specs;

/// <summary>How a student or a teacher is trained.</summary>
public sealed record TrainSpec
{
    /// <summary>Passes over the training set.</summary>
    public required int Epochs { get; init; }

    /// <summary>Images per step; the last, smaller batch of an epoch is kept.</summary>
    public required int Batch { get; init; }

    public required SgdSpec Optimizer { get; init; }

    public required LearningRateSchedule LearningRateSchedule { get; init; }

    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Fixes data order and augmentation for all runs; null: they depend on the run's seed.</summary>
    public long? DataSeed { get; init; }
}

/// <summary>Stochastic gradient descent as PyTorch computes it: g += wd w; v = momentum v + g (v = g at the first step); w -= lr v, or lr (g + momentum v) with Nesterov.</summary>
public sealed record SgdSpec(double LearningRate, double Momentum = 0, double WeightDecay = 0, bool Nesterov = false);

public enum Precision
{
    Float32,
    BFloat16,
}
