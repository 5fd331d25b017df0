using System.Globalization;
using System.Text.Json;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Records;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// What a lane leaves on the disk. The training state is the truth: metrics and weights are written before it, and
/// whatever they say beyond it is trained again to the same numbers after an interruption.
/// </summary>
/// <param name="teacher">SHA-256 of the weights that it learns from; null: from none.</param>
internal sealed class LaneFiles(LaneSpec lane, string device, string? teacher)
{
    private const string Version = "1";
    private readonly RunFolder folder = new(lane.Folder);
    private EpochErrors? best;
    private EpochErrors? last;
    private TestErrors? tested;

    /// <summary>Prepares the folder, and puts the lane where its last checkpoint was taken.</summary>
    public void Open(Lane training, Action<string> say)
    {
        string? earlier = folder.ReadTeacher();
        folder.WriteStart(lane.Name, lane.Spec, device, teacher);
        folder.RemoveResult();
        if (File.Exists(folder.State) && earlier is not null && earlier != teacher)
            say($"{lane.Name} starts anew: the teacher's weights are no longer those that it began with.");
        else if (File.Exists(folder.State))
            Resume(training, say);
        // Of a run that had finished an epoch and lost its weights: the state has them too.
        if (training.Position.Epoch > 1 && training.Position.Step == 0 && !File.Exists(folder.LatestWeights))
            Safetensors.Write(folder.LatestWeights, training.Weights(), About(training.Position.Epoch - 1));
        foreach (EpochRecord record in folder.TruncateMetrics(training.Position.Epoch - 1))
            Count(record);
    }

    public void EpochEnded(Lane training, EpochRecord record)
    {
        folder.AppendMetrics(record);
        if (Count(record))
            Safetensors.Write(folder.BestWeights, training.Weights(), About(record.Epoch));
        Safetensors.Write(folder.LatestWeights, training.Weights(), About(record.Epoch));
        SaveState(training);
    }

    public void SaveState(Lane training)
    {
        var position = new Dictionary<string, string>
        {
            ["version"] = Version,
            ["spec"] = lane.Spec.Hash(),
            ["epoch"] = training.Position.Epoch.ToString(CultureInfo.InvariantCulture),
            ["step"] = training.Position.Step.ToString(CultureInfo.InvariantCulture),
        };
        Safetensors.Write(folder.State, training.State(), position);
    }

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

    public RunResult End(RunStatus status, string? message = null)
    {
        var result = new RunResult(status, last, best, message) { Test = status == RunStatus.Completed ? tested : null };
        try
        {
            folder.WriteResult(result);
            return result;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return result with { Status = RunStatus.Failed, Message = $"{message} Its result could not be written: {error.Message}".TrimStart() };
        }
    }

    private void Resume(Lane training, Action<string> say)
    {
        using var scope = torch.NewDisposeScope();
        try
        {
            Safetensors saved = Safetensors.Read(folder.State);
            if (saved.Metadata.GetValueOrDefault("version") != Version || saved.Metadata.GetValueOrDefault("spec") != lane.Spec.Hash())
                throw new InvalidDataException($"{folder.State} was written by another version or for another run.");
            var position = (Epoch: Number("epoch"), Step: Number("step"));
            if (!folder.ReadMetrics().Select(record => record.Epoch).Take(position.Epoch - 1).SequenceEqual(Enumerable.Range(1, position.Epoch - 1)))
                throw new InvalidDataException("the metrics of epochs that its checkpoint has behind it are damaged.");
            training.Restore(saved.Tensors, position);

            int Number(string name) =>
                int.TryParse(saved.Metadata.GetValueOrDefault(name), CultureInfo.InvariantCulture, out int value)
                    ? value
                    : throw new InvalidDataException($"{folder.State} does not say where training stood.");
        }
        catch (InvalidDataException error)
        {
            say($"{lane.Name} starts anew: {error.Message}");
        }
    }

    /// <returns>Whether this epoch is the best so far.</returns>
    private bool Count(EpochRecord record)
    {
        last = new(record.Epoch, record.Top1Error, record.Top5Error);
        if (best is not null && best.Top1Error <= record.Top1Error)
            return false;
        best = last;
        return true;
    }

    private Dictionary<string, string> About(int epoch) =>
        new()
        {
            ["format"] = "pt",
            [CheckpointOrigin.ModelKey] = lane.Spec.Student.Name,
            [CheckpointOrigin.DatasetKey] = SpecJson.ToJson(lane.Spec)["dataset"]!.ToJsonString(),
            ["epoch"] = epoch.ToString(CultureInfo.InvariantCulture),
            ["spec"] = lane.Spec.Hash(),
        };
}
