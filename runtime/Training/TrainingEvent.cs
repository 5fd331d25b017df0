using System.Text.Json.Serialization;
using ChannelDistillation.Runs;

namespace ChannelDistillation.Training;

/// <summary>
/// What a training run reports while it runs. Observers are functions of it; they run on the training thread and must return quickly. Its JSON form is
/// what a worker process writes to the process that started it.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(CohortStarted), "cohort")]
[JsonDerivedType(typeof(StepEnded), "step")]
[JsonDerivedType(typeof(EpochTrained), "trained")]
[JsonDerivedType(typeof(ValidationStarted), "validation")]
[JsonDerivedType(typeof(EpochEnded), "epoch")]
[JsonDerivedType(typeof(LaneEnded), "lane")]
[JsonDerivedType(typeof(Message), "say")]
public abstract record TrainingEvent
{
    private TrainingEvent() { }

    /// <param name="Lanes">Names of the runs in the cohort.</param>
    /// <param name="StartEpoch">First epoch to train, from 1; later than 1 when resuming from a checkpoint.</param>
    /// <param name="StartStep">Completed steps of that epoch; 0 unless resuming from a checkpoint within an epoch.</param>
    /// <param name="IsTeacher">The cohort is a teacher that is trained for the sweep.</param>
    public sealed record CohortStarted(
        IReadOnlyList<string> Lanes,
        int StartEpoch,
        int StartStep,
        int Epochs,
        int StepsPerEpoch,
        bool IsTeacher = false
    ) : TrainingEvent;

    /// <param name="Step">Completed steps of this epoch.</param>
    /// <param name="Images">Training images read in this epoch so far (once, not per lane).</param>
    /// <param name="Elapsed">Since the epoch started.</param>
    public sealed record StepEnded(int Epoch, int Step, long Images, TimeSpan Elapsed) : TrainingEvent;

    /// <summary>The training steps of an epoch are complete.</summary>
    /// <param name="Waited">How long of <paramref name="Elapsed"/> they waited for images.</param>
    public sealed record EpochTrained(int Epoch, TimeSpan Elapsed, TimeSpan Waited) : TrainingEvent;

    public sealed record ValidationStarted(int Epoch) : TrainingEvent;

    public sealed record EpochEnded(string Lane, EpochRecord Record) : TrainingEvent;

    public sealed record LaneEnded(string Lane, RunResult Result) : TrainingEvent;

    /// <summary>Information for the user: a checkpoint that was skipped, a file that could not be read.</summary>
    public sealed record Message(string Text) : TrainingEvent;
}

internal static class TrainingObserver
{
    public static void Say(this Action<TrainingEvent> observer, string text) => observer(new TrainingEvent.Message(text));
}
