using ChannelDistillation.Runs;

namespace ChannelDistillation.Training;

/// <summary>Told how a cohort is coming along; called on the training thread, so it must be quick.</summary>
public interface ITrainingObserver
{
    /// <param name="lanes">Names of the runs that are trained together.</param>
    /// <param name="startEpoch">First epoch to be trained, from 1; later than 1 when it goes on from a checkpoint.</param>
    /// <param name="startStep">Steps of that epoch that are behind them; 0 but for a checkpoint within an epoch.</param>
    void CohortStarted(IReadOnlyList<string> lanes, int startEpoch, int startStep, int epochs, int stepsPerEpoch);

    /// <summary>A step is over.</summary>
    /// <param name="step">Steps finished in this epoch.</param>
    /// <param name="images">Training images taken in this epoch so far (once, not per lane).</param>
    /// <param name="elapsed">Since the epoch's start.</param>
    void StepEnded(int epoch, int step, long images, TimeSpan elapsed);

    /// <summary>The epoch's training steps are over.</summary>
    /// <param name="elapsed">What they took.</param>
    /// <param name="waited">How long of that they waited for images.</param>
    void EpochTrained(int epoch, TimeSpan elapsed, TimeSpan waited) { }

    /// <summary>Training of the epoch is over and its validation begins.</summary>
    void ValidationStarted(int epoch);

    void EpochEnded(string lane, EpochRecord record);

    void LaneEnded(string lane, RunResult result);

    /// <summary>Something worth a line: a checkpoint that had to be skipped, a file that could not be read.</summary>
    void Say(string message);
}
