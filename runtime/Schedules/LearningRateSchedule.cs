namespace ChannelDistillation.Schedules;

/// <summary>
/// The factor on the base learning rate: a pure function of the position in training, so that no state has to be saved.
/// During warm-up it grows linearly per step from <see cref="WarmupFrom"/> to 1; the warm-up does not shift the rest of the schedule.
/// </summary>
public abstract record LearningRateSchedule
{
    /// <summary>Epochs of linear warm-up; 0: none.</summary>
    public int WarmupEpochs { get; init; }

    /// <summary>The factor at the first step of the warm-up.</summary>
    public double WarmupFrom { get; init; } = 0.1;

    /// <summary>The schedule without warm-up.</summary>
    /// <param name="finished">Finished epochs: 0 during the first.</param>
    /// <param name="epochs">Epochs of the whole training.</param>
    protected abstract double Shape(int finished, int epochs);

    /// <summary>The factor at a step.</summary>
    /// <param name="epoch">Counted from 1.</param>
    /// <param name="step">Within the epoch, from 0.</param>
    /// <param name="stepsPerEpoch">At least 1.</param>
    /// <param name="epochs">Epochs of the whole training.</param>
    public double FactorAt(int epoch, int step, int stepsPerEpoch, int epochs)
    {
        double shape = Shape(epoch - 1, epochs);
        if (epoch > WarmupEpochs)
            return shape;
        double progress = ((epoch - 1) * (double)stepsPerEpoch + step) / (WarmupEpochs * (double)stepsPerEpoch);
        return shape * (WarmupFrom + (1 - WarmupFrom) * progress);
    }

    /// <summary>The base learning rate throughout.</summary>
    public sealed record Constant : LearningRateSchedule
    {
        protected override double Shape(int finished, int epochs) => 1;
    }

    /// <summary>Multiplied by the factor after each of the given epochs (PyTorch's MultiStepLR).</summary>
    public sealed record Step(IReadOnlyList<int> At, double Factor) : LearningRateSchedule
    {
        protected override double Shape(int finished, int epochs) => Math.Pow(Factor, At.Count(boundary => finished >= boundary));

        public bool Equals(Step? other) => base.Equals(other) && Factor == other.Factor && At.SequenceEqual(other.At);

        public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Factor, At.Count);
    }

    /// <summary>Half a cosine from 1 to <paramref name="To"/>, set once per epoch (PyTorch's CosineAnnealingLR with T_max = epochs).</summary>
    public sealed record Cosine(double To = 0) : LearningRateSchedule
    {
        protected override double Shape(int finished, int epochs) => To + (1 - To) * (1 + Math.Cos(Math.PI * finished / epochs)) / 2;
    }
}
