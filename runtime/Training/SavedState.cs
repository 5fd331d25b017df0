using System.Globalization;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// The checkpoints of a run's training state: the latest and the previous one. Each has a version, the run's hash, its position in
/// training and a checksum. One that is truncated, changed or of another run is skipped and reported.
/// </summary>
internal sealed class SavedState(LaneSpec lane)
{
    public const string EpochEntry = "epoch";
    private const string StepEntry = "step";
    private const string SecondsEntry = "seconds";
    private const string MetricsEntry = "metrics_xxh128";
    private const string Version = "2";
    private readonly RunFolder folder = new(lane.Folder);
    private readonly RecordChecksum metricsChecksum = new();

    /// <summary>Whether this process has written or fully read the latest checkpoint; only then may it replace the previous one.</summary>
    private bool isLatestGood;

    /// <summary>Epoch and steps of the checkpoint that was last written or restored; null if there is none.</summary>
    public (int Epoch, int Step)? At { get; private set; }

    public bool Exists => File.Exists(folder.State) || File.Exists(folder.PreviousState);

    /// <summary>Whether a file of weights is intact.</summary>
    public static bool IsIntact(string weights)
    {
        try
        {
            return EpochOf(weights) > 0;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Whether a file of weights is intact and of this epoch.</summary>
    public static bool HoldsEpoch(string weights, int epoch)
    {
        try
        {
            return EpochOf(weights) == epoch;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Position of a checkpoint from its metadata, without verifying the rest of the file.</summary>
    /// <exception cref="InvalidDataException">The metadata cannot be read or do not contain it.</exception>
    public static (int Epoch, int Step) PlaceOf(string file)
    {
        IReadOnlyDictionary<string, string> metadata = SafetensorsFile.ReadMetadata(file);
        return (Number(metadata, EpochEntry, file), Number(metadata, StepEntry, file));
    }

    /// <summary>Adds a finished epoch, whose metrics later checkpoints cover.</summary>
    public void Passed(EpochRecord record) => metricsChecksum.Add(record);

    public void Save(Lane training)
    {
        var about = new Dictionary<string, string>
        {
            ["version"] = Version,
            ["spec"] = lane.Spec.Hash(),
            [EpochEntry] = training.Position.Epoch.ToString(CultureInfo.InvariantCulture),
            [StepEntry] = training.Position.Step.ToString(CultureInfo.InvariantCulture),
            [MetricsEntry] = metricsChecksum.Digits,
        };
        // Not at an epoch's end: a file that is otherwise reproducible should not contain a time.
        if (training.Position.Step > 0)
            about[SecondsEntry] = training.TrainingSeconds.ToString("F3", CultureInfo.InvariantCulture);
        SafetensorsFile.Write(folder.State, training.State(), about, isLatestGood ? folder.PreviousState : null);
        isLatestGood = true;
        At = training.Position;
    }

    /// <summary>Removes the checkpoints of a run that restarts from scratch.</summary>
    public void Remove()
    {
        File.Delete(folder.PreviousState);
        File.Delete(folder.State);
    }

    /// <summary>Restores the newest good checkpoint; without one the lane stays at its start.</summary>
    public void Restore(Lane training, Action<string> say)
    {
        IReadOnlyList<EpochRecord> metrics = folder.ReadMetrics();
        var wrong = new List<string>();
        foreach (string file in new[] { folder.State, folder.PreviousState }.Where(File.Exists))
        {
            try
            {
                Restore(training, file, metrics);
                isLatestGood = file == folder.State;
                if (wrong.Count > 0)
                    say($"{lane.Name} resumes from the checkpoint before its latest, epoch {training.Position.Epoch}: {wrong[0]}");
                return;
            }
            catch (InvalidDataException error)
            {
                wrong.Add(error.Message);
            }
        }
        say($"{lane.Name} restarts from scratch: {string.Join(" ", wrong.Distinct())}");
    }

    private void Restore(Lane training, string file, IReadOnlyList<EpochRecord> metrics)
    {
        using var scope = torch.NewDisposeScope();
        SafetensorsFile state = SafetensorsFile.Read(file);
        if (state.Metadata.GetValueOrDefault("version") != Version || state.Metadata.GetValueOrDefault("spec") != lane.Spec.Hash())
            throw new InvalidDataException($"{file} was written by another version or for another run.");
        var position = (Epoch: Number(state.Metadata, EpochEntry, file), Step: Number(state.Metadata, StepEntry, file));
        EpochRecord[] finished = [.. metrics.Take(position.Epoch - 1)];
        if (!finished.Select(record => record.Epoch).SequenceEqual(Enumerable.Range(1, position.Epoch - 1)) || !MatchesMetrics(finished, state))
            throw new InvalidDataException("the metrics of the epochs before its checkpoints are damaged.");
        if (finished.MinBy(record => record.Top1Error)?.Epoch is int best && !BestWeightsAvailable(best, position))
            throw new InvalidDataException($"{folder.BestWeights} does not contain the weights of the best epoch, {best}.");
        if (state.Tensors.FirstOrDefault(entry => !CheckpointFile.IsFinite(entry.Value)).Key is string broken)
            throw new InvalidDataException($"{file} contains infinite or NaN values in `{broken}`.");
        double.TryParse(state.Metadata.GetValueOrDefault(SecondsEntry), CultureInfo.InvariantCulture, out double seconds);
        training.Restore(state.Tensors, position, seconds);
        At = position;
    }

    /// <summary>Whether these are the metrics that a checkpoint covers; checkpoints of earlier versions do not record it.</summary>
    private static bool MatchesMetrics(IEnumerable<EpochRecord> metrics, SafetensorsFile state)
    {
        if (!state.Metadata.TryGetValue(MetricsEntry, out string? expected))
            return true;
        var checksum = new RecordChecksum();
        foreach (EpochRecord record in metrics)
            checksum.Add(record);
        return checksum.Digits == expected;
    }

    /// <summary>
    /// Whether the weights of the best epoch exist or will exist: those of the epoch that has just ended are in the state, and
    /// if the file is of a later epoch, that epoch is trained again and was better.
    /// </summary>
    private bool BestWeightsAvailable(int best, (int Epoch, int Step) position)
    {
        if (position.Step == 0 && best == position.Epoch - 1)
            return true;
        try
        {
            int epoch = EpochOf(folder.BestWeights);
            return epoch == best || epoch >= position.Epoch;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static int EpochOf(string weights) => Number(SafetensorsFile.Verify(weights), EpochEntry, weights);

    private static int Number(IReadOnlyDictionary<string, string> metadata, string name, string file) =>
        int.TryParse(metadata.GetValueOrDefault(name), CultureInfo.InvariantCulture, out int value)
            ? value
            : throw new InvalidDataException($"{file} does not contain the training position.");
}
