using ChannelDistillation.Runs;

namespace ChannelDistillation.Training;

/// <summary>Receives the progress of a cohort. Methods are called on the training thread and must be fast.</summary>
public interface ITrainingObserver
{
    /// <param name="lanes">Names of the runs that are trained together.</param>
    /// <param name="startEpoch">First epoch to be trained, from 1; later than 1 when resuming from a checkpoint.</param>
    /// <param name="startStep">Finished steps of that epoch; 0 except after a checkpoint within an epoch.</param>
    void CohortStarted(IReadOnlyList<string> lanes, int startEpoch, int startStep, int epochs, int stepsPerEpoch);

    /// <summary>A step has ended.</summary>
    /// <param name="step">Finished steps of this epoch.</param>
    /// <param name="images">Training images used in this epoch so far (counted once, not per lane).</param>
    /// <param name="elapsed">Since the epoch's start.</param>
    void StepEnded(int epoch, int step, long images, TimeSpan elapsed);

    /// <summary>The epoch's training steps have ended.</summary>
    /// <param name="elapsed">Duration of the steps.</param>
    /// <param name="waited">Part of it spent waiting for images.</param>
    void EpochTrained(int epoch, TimeSpan elapsed, TimeSpan waited) { }

    /// <summary>Training of the epoch has ended and its validation begins.</summary>
    void ValidationStarted(int epoch);

    void EpochEnded(string lane, EpochRecord record);

    void LaneEnded(string lane, RunResult result);

    /// <summary>A message for the user, such as a skipped checkpoint or an unreadable file.</summary>
    void Say(string message);
}
