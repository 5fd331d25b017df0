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
/// What a lane leaves on the disk. The training state is the truth: metrics are written before it, weights after it, and whatever they
/// say beyond it, or have lost, is made again from it to the same numbers.
/// </summary>
internal sealed class LaneFiles(LaneSpec lane, string device, RunOrigins origins)
{
    /// <summary>What a person can do about a run that diverged.</summary>
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

    /// <summary>Where the last good checkpoint is, in a sentence.</summary>
    public string LastCheckpoint =>
        saved.At switch
        {
            null => "No checkpoint had been taken.",
            { Step: 0 } at => $"Its last checkpoint is of the end of epoch {at.Epoch - 1}.",
            { } at => $"Its last checkpoint is of epoch {at.Epoch}, step {at.Step}.",
        };

    /// <summary>Prepares the folder, and puts the lane where its last checkpoint was taken.</summary>
    public void Open(Lane training, Action<string> say)
    {
        sinceOpened.Start();
        AtomicFile.RemoveUnfinished(folder.Path);
        folder.RequireFiles();
        foreach (string file in folder.Damaged())
            say($"{Lane.Name}: {file} is damaged, and is made anew.");
        if (folder.ReadRun() is JsonObject earlier)
            Reconsider(earlier, say);
        if (saved.IsThere)
            saved.Restore(training, say);
        folder.WriteStart(Lane.Name, Lane.Spec, device, training.Position, origins, Lane.Layouts);
        folder.RemoveResult();
        IReadOnlyList<EpochRecord> finished = folder.TruncateMetrics(training.Position.Epoch - 1);
        foreach (EpochRecord record in finished)
            Count(record);
        events.Open(finished);
        // The state may be newer than weights that a crash kept from being written.
        if (training.Position is { Epoch: > 1, Step: 0 })
            WriteWeights(training, SavedState.HoldsEpoch);
    }

    /// <summary>Whether checkpoints that are there are still good to go on from. Where they are not, they are removed at once: a kill must not bring them back.</summary>
    private void Reconsider(JsonObject earlier, Action<string> say)
    {
        string? taught = folder.ReadTeacher();
        bool diverged = folder.ReadResult()?.Status == RunStatus.Diverged;
        string? seen = folder.ReadImages();
        if (saved.IsThere && taught is not null && taught != origins.Teacher)
        {
            say($"{Lane.Name} starts anew: the teacher's weights are no longer those that it began with.");
            saved.Remove();
        }
        else if (saved.IsThere && seen is not null && seen != origins.Images)
        {
            say($"{Lane.Name} starts anew: the images of the dataset are no longer those that it began with.");
            saved.Remove();
        }
        else if (diverged && Sessions.IsLastLikeNow(earlier, device))
        {
            // Going on costs least; the end is the same.
            say($"{Lane.Name} diverged before with this software on this machine, and will again. {Advice}");
        }
        else if (diverged && saved.IsThere)
        {
            // What made it diverge may be in its weights already, and the whole run should be of one machine.
            say($"{Lane.Name} starts anew: it diverged before with other software or on another machine.");
            saved.Remove();
        }
    }

    public void EpochEnded(Lane training, EpochRecord record) =>
        Save(() =>
        {
            folder.AppendMetrics(record);
            Count(record);
            saved.Save(training);
            WriteWeights(training, (_, _) => false);
            events.Add(record);
        });

    /// <summary>Shows a few of the images that the run learns from, once in its life.</summary>
    public void Show(Batch batch, NormalizationSpec normalization)
    {
        if (events.WantsImages)
            Save(() => events.Add(SampleImages.Of(batch, normalization)));
    }

    public void SaveState(Lane training) => Save(() => saved.Save(training));

    /// <summary>
    /// Errors on the official validation set, with the weights of the last epoch and then with those of the best, which the student has
    /// from then on.
    /// </summary>
    /// <param name="errors">Of the student as it is.</param>
    public void Test(Lane training, Func<EpochErrors> errors)
    {
        training.Student.eval();
        EpochErrors ofLast = errors() with { Epoch = last!.Epoch };
        if (best!.Epoch != last.Epoch)
            Checkpoint.LoadInto(training.Student, folder.BestWeights);
        tested = new(ofLast, best.Epoch == last.Epoch ? ofLast : errors() with { Epoch = best.Epoch });
    }

    /// <summary>How the run has ended, if it ends so.</summary>
    public RunResult Result(RunStatus status, string? message) =>
        new(status, last, best, message) { Test = status == RunStatus.Completed ? tested : null };

    /// <summary>Without it the run counts as interrupted, whatever became of it.</summary>
    public void Write(RunResult result) =>
        Save(() =>
        {
            folder.WriteResult(result, new(sinceOpened.Elapsed.TotalSeconds, saving.Elapsed.TotalSeconds, DeviceMemory.Peak(new(device))));
            if (result.Status == RunStatus.Completed)
                File.Delete(folder.PreviousState);
        });

    private void Save(Action write)
    {
        if (!Lane.IsOurs())
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

    /// <summary>Of the epoch that has just ended.</summary>
    /// <param name="areThere">Whether a file has those of an epoch already.</param>
    private void WriteWeights(Lane training, Func<string, int, bool> areThere)
    {
        int epoch = training.Position.Epoch - 1;
        if (!areThere(folder.LatestWeights, epoch))
            SafetensorsFile.Write(folder.LatestWeights, training.Weights(), About(epoch));
        if (best!.Epoch == epoch && !areThere(folder.BestWeights, epoch))
            SafetensorsFile.Write(folder.BestWeights, training.Weights(), About(epoch));
    }

    private void Count(EpochRecord record)
    {
        saved.Passed(record);
        last = new(record.Epoch, record.Top1Error, record.Top5Error);
        if (best is null || best.Top1Error > record.Top1Error)
            best = last;
    }

    private Dictionary<string, string> About(int epoch)
    {
        Dictionary<string, string> about = new()
        {
            ["format"] = "pt",
            [CheckpointOrigin.ModelKey] = LossCatalog.Network(Lane.Spec).Name,
            [CheckpointOrigin.DatasetKey] = SpecJson.ToJson(Lane.Spec)["dataset"]!.ToJsonString(),
            [SavedState.EpochEntry] = epoch.ToString(CultureInfo.InvariantCulture),
            ["spec"] = Lane.Spec.Hash(),
        };
        if (Lane.Spec.Train.Precision != Precision.Float32)
            about[CheckpointOrigin.PrecisionKey] = SpecJson.NameOf(Lane.Spec.Train.Precision);
        return about;
    }
}

/// <summary>Another process has taken a run over, because this one gave no sign of life for long.</summary>
internal sealed class LeaseLostException(string run) : Exception($"{run} was taken over by another process while this one stood still.");
