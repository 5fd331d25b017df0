namespace ChannelDistillation.Schedules;

/// <summary>The decaying part of a <see cref="WeightSchedule"/>; epochs are counted from 1.</summary>
public abstract record WeightDecay
{
    public abstract double FactorAt(int epoch);

    /// <summary>factor^(number of boundaries reached); a boundary is reached during the epoch it names ("from epoch 60").</summary>
    public sealed record Step(IReadOnlyList<int> At, double Factor) : WeightDecay
    {
        public override double FactorAt(int epoch) => Math.Pow(Factor, At.Count(boundary => epoch >= boundary));

        public bool Equals(Step? other) => other is not null && Factor == other.Factor && At.SequenceEqual(other.At);

        public override int GetHashCode() => HashCode.Combine(Factor, At.Count);
    }

    /// <summary>factor^(epoch div Epochs): EDT on ImageNet.</summary>
    public sealed record Every(int Epochs, double Factor) : WeightDecay
    {
        public override double FactorAt(int epoch) => Math.Pow(Factor, epoch / Epochs);
    }

    /// <summary>From 1 in the first epoch in a straight line to <paramref name="To"/> in epoch <paramref name="Until"/>, constant after it.</summary>
    public sealed record Linear(int Until, double To) : WeightDecay
    {
        public override double FactorAt(int epoch) => 1 + (To - 1) * Progress(epoch, Until);
    }

    /// <summary>From 1 in the first epoch along half a cosine to <paramref name="To"/> in epoch <paramref name="Until"/>, constant after it.</summary>
    public sealed record Cosine(int Until, double To) : WeightDecay
    {
        public override double FactorAt(int epoch) => To + (1 - To) * (1 + Math.Cos(Math.PI * Progress(epoch, Until))) / 2;
    }

    private static double Progress(int epoch, int until) => until <= 1 ? 1 : Math.Min((epoch - 1.0) / (until - 1), 1);
}
