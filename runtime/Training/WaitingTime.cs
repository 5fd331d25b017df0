using System.Globalization;

namespace ChannelDistillation.Training;

/// <summary>How much of a training's time it waited for images.</summary>
internal sealed class WaitingTime
{
    /// <summary>A loader is fast enough when training does not wait longer than this for it.</summary>
    private const double Tolerated = 0.02;

    /// <summary>Shorter trainings say nothing about the loader: the first batch is always waited for.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(10);

    private TimeSpan trained;
    private TimeSpan waited;

    public void Add(TimeSpan trained, TimeSpan waited)
    {
        this.trained += trained;
        this.waited += waited;
    }

    /// <summary>What a person may want to change; null: nothing.</summary>
    public string? Remark =>
        trained > LongEnough && waited / trained is var share and > Tolerated
            ? $"Training waited for images during {(100 * share).ToString("F0", CultureInfo.InvariantCulture)} % of its time. Photographs come faster from a packed copy: "
                + "docs/data.md#packed-copies."
            : null;
}
