using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>A lane in training, and its files.</summary>
internal sealed record RunningLane(Lane Lane, LaneFiles Files);

/// <summary>The running lanes of a cohort. An error in one of them ends or delays only that lane.</summary>
internal sealed class Lanes(Action<TrainingEvent> observer, torch.Device device) : IDisposable
{
    private readonly List<RunningLane> all = [];
    private readonly List<LaneSpec> postponed = [];
    private readonly List<IReadOnlyList<LaneSpec>> halves = [];

    public IReadOnlyList<RunningLane> All => all;

    /// <summary>Cohorts of runs that did not fit in memory together with the others.</summary>
    public IEnumerable<IReadOnlyList<LaneSpec>> Postponed => halves.Append(postponed).Where(cohort => cohort.Count > 0);

    /// <summary>Why the state of a lane could not be saved; null if all were saved.</summary>
    public string? NotSaved { get; private set; }

    /// <summary>Adds a lane at its last checkpoint.</summary>
    /// <param name="make">Creates the lane at its start.</param>
    /// <param name="origins">Fingerprints of the cohort's teacher and images.</param>
    public void Open(LaneSpec spec, Func<Lane> make, string device, RunOrigins origins)
    {
        Lane? lane = null;
        try
        {
            lane = make();
            var files = new LaneFiles(spec, device, spec.Spec.Teacher is null ? origins with { Teacher = null } : origins);
            files.Open(lane, observer.Say);
            all.Add(new(lane, files));
        }
        catch (Exception error) when (!DeviceErrors.IsFatal(error, device))
        {
            lane?.Dispose();
            if (DeviceErrors.IsOutOfMemory(error, device) && all.Count > 0)
            {
                postponed.Add(spec);
                return;
            }
            bool isDisk = error is IOException or UnauthorizedAccessException;
            bool isStopped = error is OperationCanceledException;
            string? message =
                isStopped ? null
                : isDisk ? NotSaved ??= DeviceErrors.NotSaved(error)
                : DeviceErrors.InWords(error, device);
            var result = new RunResult(isDisk || isStopped ? RunStatus.Interrupted : RunStatus.Failed, null, null, message);
            if (result.Status == RunStatus.Failed)
                Record(spec, result);
            observer(new TrainingEvent.LaneEnded(spec.Name, result));
        }
    }

    /// <summary>Records the result of a run that could not be opened.</summary>
    private void Record(LaneSpec spec, RunResult result)
    {
        try
        {
            if (spec.IsLeaseHeld())
                new RunFolder(spec.Folder).WriteResult(result);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            NotSaved ??= DeviceErrors.NotSaved(error);
        }
    }

    public void End(RunningLane entry, RunStatus status, string? message = null)
    {
        Leave(entry, status, message);
        Drop(entry);
    }

    /// <summary>Ends a lane whose state has infinite or NaN values. Such a state is never saved, so the previous checkpoint remains the last good one.</summary>
    public bool EndIfNonFinite(RunningLane entry)
    {
        if (entry.Lane.NonFiniteTensor() is not string tensor)
            return false;
        End(
            entry,
            RunStatus.Diverged,
            $"In epoch {entry.Lane.Position.Epoch}, by step {entry.Lane.Position.Step}, `{tensor}` became infinite or NaN. {entry.Files.LastCheckpoint} {LaneFiles.Advice}"
        );
        return true;
    }

    private void Leave(RunningLane entry, RunStatus status, string? message)
    {
        RunResult result = entry.Files.Result(status, message);
        try
        {
            entry.Files.Write(result);
            observer(new TrainingEvent.LaneEnded(entry.Lane.Name, result));
        }
        catch (LeaseLostException lost)
        {
            observer.Say(lost.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            NotSaved ??= DeviceErrors.NotSaved(error);
            observer(new TrainingEvent.LaneEnded(entry.Lane.Name, result with { Status = RunStatus.Interrupted, Message = NotSaved }));
        }
    }

    /// <summary>Handles an error that all lanes share: too little memory for them together, or an error that would recur.</summary>
    public void FailTogether(Exception error)
    {
        RunningLane[] some = [.. all];
        if (!DeviceErrors.IsOutOfMemory(error, device) || some.Length == 1)
        {
            foreach (RunningLane entry in some)
                Fail(entry, error);
            return;
        }
        observer.Say($"Out of memory: the {some.Length} runs are trained in two halves, one after the other.");
        LaneSpec[] saved = [.. some.Where(SaveAndDrop).Select(entry => entry.Files.Lane)];
        halves.AddRange(saved.Chunk((some.Length + 1) / 2));
        MemoryAllocator.GiveBack();
    }

    /// <summary>Ends all lanes on a lost device: nothing can be saved or freed. The runs can resume elsewhere from their last checkpoints.</summary>
    public void Abandon(string why)
    {
        foreach (RunningLane entry in all.ToArray())
            Leave(entry, RunStatus.Interrupted, why);
        all.Clear();
    }

    public void Dispose()
    {
        foreach (RunningLane entry in all)
            entry.Lane.Dispose();
    }

    private void Drop(RunningLane entry)
    {
        all.Remove(entry);
        entry.Lane.Dispose();
    }

    /// <summary>Runs an action for each matching lane. An error ends only its lane.</summary>
    public void Each(Func<RunningLane, bool> which, Action<RunningLane> act)
    {
        foreach (var entry in all.Where(which).ToArray())
        {
            // An earlier lane may have removed it to free memory.
            if (!all.Contains(entry))
                continue;
            try
            {
                act(entry);
            }
            catch (Exception error) when (!DeviceErrors.IsFatal(error, device))
            {
                Fail(entry, error);
            }
        }
    }

    private void Fail(RunningLane entry, Exception error)
    {
        switch (error)
        {
            case LeaseLostException:
                observer.Say(error.Message);
                Drop(entry);
                break;
            case IOException or UnauthorizedAccessException:
                NotSaved ??= DeviceErrors.NotSaved(error);
                End(entry, RunStatus.Interrupted, NotSaved);
                break;
            case var _ when DeviceErrors.IsOutOfMemory(error, device) && all.Count > 1:
                Halve(entry);
                break;
            default:
                End(entry, RunStatus.Failed, DeviceErrors.InWords(error, device));
                break;
        }
    }

    /// <summary>Frees memory: half of the lanes, including the failing one, are trained after the others.</summary>
    private void Halve(RunningLane failing)
    {
        var others = all.Where(entry => entry != failing).ToArray();
        var later = others.Skip((all.Count + 1) / 2).ToArray();
        observer.Say($"Out of memory: training continues with {all.Count - later.Length - 1} of {all.Count} runs; the others follow.");
        // Within a step some of its weights may have changed, so it resumes from its last checkpoint.
        postponed.Add(failing.Files.Lane);
        Drop(failing);
        postponed.AddRange(later.Where(SaveAndDrop).Select(entry => entry.Files.Lane));
        MemoryAllocator.GiveBack();
    }

    /// <returns>Whether it can resume later from its current position.</returns>
    private bool SaveAndDrop(RunningLane entry)
    {
        try
        {
            if (EndIfNonFinite(entry))
                return false;
            entry.Files.SaveState(entry.Lane);
            Drop(entry);
            return true;
        }
        catch (Exception error) when (!DeviceErrors.IsFatal(error, device))
        {
            Fail(entry, error);
            return false;
        }
    }
}
