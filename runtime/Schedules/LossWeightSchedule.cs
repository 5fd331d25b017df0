namespace ChannelDistillation.Schedules;

/// <summary>
/// The schedule of a loss's weight: a factor per epoch, counted from 1. Its parts are multiplied:
/// factor = (StartAfter &lt; epoch &lt;= StopAfter) x min((epoch - StartAfter) / Warmup, 1) x decay(epoch).
/// </summary>
public sealed record LossWeightSchedule
{
    /// <summary>The weight is 0 through this epoch; 0: from the start.</summary>
    public int StartAfter { get; init; }

    /// <summary>Epochs over which the weight grows linearly to its full value after its start; 0: no warm-up.</summary>
    public int Warmup { get; init; }

    /// <summary>The last epoch in which the loss is active; null: the last epoch of the training.</summary>
    public int? StopAfter { get; init; }

    public LossWeightDecay? Decay { get; init; }

    /// <summary>
    /// Whether weight decay and momentum act on the network's weights also while this loss has weight 0, as if it were computed and multiplied by
    /// 0. Otherwise weights that no other loss trains do not change.
    /// </summary>
    public bool DecaysAtZero { get; init; }

    public static LossWeightSchedule Constant { get; } = new();

    public double FactorAt(int epoch)
    {
        if (epoch <= StartAfter || epoch > StopAfter)
            return 0;
        double warm = Warmup == 0 ? 1 : Math.Min((double)(epoch - StartAfter) / Warmup, 1);
        return warm * (Decay?.FactorAt(epoch) ?? 1);
    }
}

/// <summary>The decay of a <see cref="LossWeightSchedule"/>; epochs are counted from 1.</summary>
public abstract record LossWeightDecay
{
    public abstract double FactorAt(int epoch);

    /// <summary>factor^(number of boundaries reached); a boundary is reached in the epoch that it names ("from epoch 60").</summary>
    public sealed record Step(IReadOnlyList<int> At, double Factor) : LossWeightDecay
    {
        public override double FactorAt(int epoch) => Math.Pow(Factor, At.Count(boundary => epoch >= boundary));

        public bool Equals(Step? other) => other is not null && Factor == other.Factor && At.SequenceEqual(other.At);

        public override int GetHashCode() => HashCode.Combine(Factor, At.Count);
    }

    /// <summary>factor^(epoch div Epochs): EDT on ImageNet.</summary>
    public sealed record Every(int Epochs, double Factor) : LossWeightDecay
    {
        public override double FactorAt(int epoch) => Math.Pow(Factor, epoch / Epochs);
    }

    /// <summary>Linear from 1 in the first epoch to <paramref name="To"/> in epoch <paramref name="Until"/>, then constant.</summary>
    public sealed record Linear(int Until, double To) : LossWeightDecay
    {
        public override double FactorAt(int epoch) => 1 + (To - 1) * Progress(epoch, Until);
    }

    /// <summary>Half a cosine from 1 in the first epoch to <paramref name="To"/> in epoch <paramref name="Until"/>, then constant.</summary>
    public sealed record Cosine(int Until, double To) : LossWeightDecay
    {
        public override double FactorAt(int epoch) => To + (1 - To) * (1 + Math.Cos(Math.PI * Progress(epoch, Until))) / 2;
    }

    private static double Progress(int epoch, int until) => until <= 1 ? 1 : Math.Min((epoch - 1.0) / (until - 1), 1);
}
