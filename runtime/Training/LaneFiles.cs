using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Tracking;

namespace ChannelDistillation.Training;

/// <summary>
/// The files of a lane. The training state is authoritative: metrics are written before it, weights after it, and whatever is
/// missing from them or goes beyond it is regenerated from the state with identical results.
/// </summary>
internal sealed class LaneFiles(LaneSpec lane, string device, RunOrigins origins)
{
    /// <summary>Advice for a run that diverged.</summary>
    public const string Advice = "A smaller learning rate or loss weight, or a warm-up, may help.";

    public LaneSpec Lane { get; } = lane;

    private readonly RunFolder folder = new(lane.Folder);
    private readonly RunEvents events = new(lane.Folder);
    private readonly SavedState saved = new(lane);
    private readonly Stopwatch sinceOpened = new();
    private readonly Stopwatch saving = new();
    private EpochErrors? best;
    private EpochErrors? last;
    private TestErrors? tested;

    /// <summary>A sentence on the last good checkpoint.</summary>
    public string LastCheckpoint =>
        saved.At switch
        {
            null => "There is no checkpoint yet.",
            { Step: 0 } at => $"Its last checkpoint is from the end of epoch {at.Epoch - 1}.",
            { } at => $"Its last checkpoint is from epoch {at.Epoch}, step {at.Step}.",
        };

    /// <summary>Prepares the folder, and restores the lane's last checkpoint.</summary>
    public void Open(Lane training, Action<string> say)
    {
        sinceOpened.Start();
        AtomicFile.RemoveUnfinished(folder.Path);
        folder.RequireFiles();
        foreach (string file in folder.Damaged())
            say($"{Lane.Name}: {file} is damaged and will be regenerated.");
        if (folder.ReadRun() is JsonObject earlier)
            CheckResumable(earlier, say);
        if (saved.Exists)
            saved.Restore(training, say);
        folder.WriteStart(Lane.Name, Lane.Spec, device, training.Position, origins, Lane.Layouts);
        folder.RemoveResult();
        IReadOnlyList<EpochRecord> finished = folder.TruncateMetrics(training.Position.Epoch - 1);
        foreach (EpochRecord record in finished)
            UpdateBest(record);
        events.Open(finished);
        // The state may be newer than the weights, if a crash prevented writing them.
        if (training.Position is { Epoch: > 1, Step: 0 })
            WriteWeights(training, SavedState.HoldsEpoch);
    }

    /// <summary>Whether existing checkpoints can be resumed. If not, they are removed at once, so that they cannot return after a kill.</summary>
    private void CheckResumable(JsonObject earlier, Action<string> say)
    {
        string? taught = folder.ReadTeacher();
        bool diverged = folder.ReadResult()?.Status == RunStatus.Diverged;
        string? seen = folder.ReadImages();
        if (saved.Exists && taught is not null && taught != origins.Teacher)
        {
            say($"{Lane.Name} restarts from scratch: the teacher's weights have changed since it started.");
            saved.Remove();
        }
        else if (saved.Exists && seen is not null && !origins.HasImages(seen))
        {
            say($"{Lane.Name} restarts from scratch: the images of the dataset have changed since it started.");
            saved.Remove();
        }
        else if (diverged && Sessions.IsLastLikeNow(earlier, device, origins.Code))
        {
            // Resuming is cheapest; the outcome is the same.
            say($"{Lane.Name} diverged before with this software on this machine, and is expected to diverge again. {Advice}");
        }
        else if (diverged && saved.Exists)
        {
            // Its weights may already be corrupted, and the whole run should come from one machine.
            say($"{Lane.Name} restarts from scratch: it diverged before with other software or on another machine.");
            saved.Remove();
        }
        else if (saved.Exists && TrainingCode.Changed(Machine.CodeOf(earlier["software"])) is { Count: > 0 } parts)
        {
            say(
                $"{Lane.Name} resumes with different code than it started with ({string.Join(", ", parts)}). To train it from scratch, remove its folder {folder.Path}."
            );
        }
    }

    public void EpochEnded(Lane training, EpochRecord record) =>
        Save(() =>
        {
            folder.AppendMetrics(record);
            UpdateBest(record);
            saved.Save(training);
            WriteWeights(training, (_, _) => false);
            events.Add(record);
        });

    /// <summary>Writes a few augmented training images to TensorBoard, once per run.</summary>
    public void Show(Batch batch, NormalizationSpec normalization)
    {
        if (events.WantsImages)
            Save(() => events.Add(SampleImages.Of(batch, normalization)));
    }

    public void SaveState(Lane training) => Save(() => saved.Save(training));

    /// <summary>
    /// Evaluates the official validation set with the weights of the last epoch, then with those of the best, which the student
    /// keeps.
    /// </summary>
    /// <param name="errors">Evaluates the student with its current weights.</param>
    public void Test(Lane training, Func<EpochErrors> errors)
    {
        training.Student.eval();
        EpochErrors ofLast = errors() with { Epoch = last!.Epoch };
        if (best!.Epoch != last.Epoch)
            Checkpoint.LoadInto(training.Student, folder.BestWeights);
        tested = new(ofLast, best.Epoch == last.Epoch ? ofLast : errors() with { Epoch = best.Epoch });
    }

    /// <summary>The result if the run ends now.</summary>
    public RunResult Result(RunStatus status, string? message) =>
        new(status, last, best, message) { Test = status == RunStatus.Completed ? tested : null };

    /// <summary>Writes the result. Without it the run counts as interrupted.</summary>
    public void Write(RunResult result) =>
        Save(() =>
        {
            folder.WriteResult(result, new(sinceOpened.Elapsed.TotalSeconds, saving.Elapsed.TotalSeconds, DeviceMemory.Peak(new(device))));
            if (result.Status == RunStatus.Completed)
                File.Delete(folder.PreviousState);
        });

    private void Save(Action write)
    {
        if (!Lane.IsLeaseHeld())
            throw new LeaseLostException(Lane.Name);
        saving.Start();
        try
        {
            write();
        }
        finally
        {
            saving.Stop();
        }
    }

    /// <summary>Writes the weights of the epoch that has just ended.</summary>
    /// <param name="areThere">Whether a file already contains the weights of an epoch.</param>
    private void WriteWeights(Lane training, Func<string, int, bool> areThere)
    {
        int epoch = training.Position.Epoch - 1;
        if (!areThere(folder.LatestWeights, epoch))
            SafetensorsFile.Write(folder.LatestWeights, training.Weights(), WeightsMetadata(epoch));
        if (best!.Epoch == epoch && !areThere(folder.BestWeights, epoch))
            SafetensorsFile.Write(folder.BestWeights, training.Weights(), WeightsMetadata(epoch));
    }

    private void UpdateBest(EpochRecord record)
    {
        saved.Passed(record);
        last = new(record.Epoch, record.Top1Error, record.Top5Error);
        if (best is null || best.Top1Error > record.Top1Error)
            best = last;
    }

    private Dictionary<string, string> WeightsMetadata(int epoch)
    {
        Dictionary<string, string> about = new()
        {
            ["format"] = "pt",
            [CheckpointOrigin.ModelKey] = LossCatalog.Network(Lane.Spec).Name,
            [CheckpointOrigin.DatasetKey] = SpecJson.ToJson(Lane.Spec.Dataset).ToJsonString(),
            [SavedState.EpochEntry] = epoch.ToString(CultureInfo.InvariantCulture),
            ["spec"] = Lane.Spec.Hash(),
        };
        if (Lane.Spec.Train.Precision != Precision.Float32)
            about[CheckpointOrigin.PrecisionKey] = SpecJson.NameOf(Lane.Spec.Train.Precision);
        return about;
    }
}

/// <summary>Another process has taken over a run, because this one was unresponsive for too long.</summary>
internal sealed class LeaseLostException(string run) : Exception($"{run} was taken over by another process while this one was unresponsive.");
