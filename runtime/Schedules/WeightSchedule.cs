namespace ChannelDistillation.Schedules;

/// <summary>
/// How the weight of a loss changes over training: a factor per epoch, epochs counted from 1. The parts multiply:
/// factor = (StartAfter &lt; epoch &lt;= StopAfter) x min((epoch - StartAfter) / Warmup, 1) x decay(epoch).
/// </summary>
public sealed record WeightSchedule
{
    /// <summary>The weight is 0 through this epoch; 0: from the start.</summary>
    public int StartAfter { get; init; }

    /// <summary>Epochs over which the weight grows linearly to its full value once it has started; 0: at once.</summary>
    public int Warmup { get; init; }

    /// <summary>The last epoch in which the loss counts; null: to the end.</summary>
    public int? StopAfter { get; init; }

    public WeightDecay? Decay { get; init; }

    /// <summary>
    /// Whether weight decay and momentum act on the network's weights also while this loss has weight 0, as if it were computed and multiplied by
    /// 0. Otherwise weights that no other loss trains stay as they are.
    /// </summary>
    public bool DecaysAtZero { get; init; }

    public static WeightSchedule Constant { get; } = new();

    public double FactorAt(int epoch)
    {
        if (epoch <= StartAfter || epoch > StopAfter)
            return 0;
        double warm = Warmup == 0 ? 1 : Math.Min((double)(epoch - StartAfter) / Warmup, 1);
        return warm * (Decay?.FactorAt(epoch) ?? 1);
    }
}
