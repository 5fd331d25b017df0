using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace ChannelDistillation.Runs;

/// <summary>result.json: how a run ended.</summary>
/// <param name="Last">The last finished epoch; null if there is none.</param>
/// <param name="Best">The epoch with the lowest top-1 error, the earliest of equals.</param>
/// <param name="Message">Why it ended, if it did not complete.</param>
public sealed record RunResult(RunStatus Status, EpochErrors? Last, EpochErrors? Best, string? Message = null)
{
    /// <summary>For a completed run with a hold-out split: errors of the same two epochs on the official validation set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TestErrors? Test { get; init; }

    /// <summary>Whether it has everything that its status requires.</summary>
    [JsonIgnore]
    internal bool IsIntact => Status != RunStatus.Completed || (Last is not null && Best is not null);
}

/// <param name="Last">With the weights of the last epoch.</param>
/// <param name="Best">With the weights of the best epoch on the hold-out split.</param>
public sealed record TestErrors(EpochErrors Last, EpochErrors Best);

/// <param name="Epoch">From 1.</param>
/// <param name="Top1Error">Validation, percent.</param>
/// <param name="Top5Error">Validation, percent.</param>
public sealed record EpochErrors(int Epoch, double Top1Error, double Top5Error);

public enum RunStatus
{
    Completed,
    Diverged,
    Failed,
    Interrupted,
}

/// <summary>What a run's numbers come from besides its spec: fingerprints of its teacher and images, which a resumed run must share, and its code.</summary>
/// <param name="Teacher">SHA-256 of the teacher's weights; null if there is none.</param>
/// <param name="Images">Fingerprint of the dataset (<see cref="Data.Dataset.Fingerprint"/>); null if unknown.</param>
/// <param name="Labels">The fingerprint that earlier versions recorded (<see cref="Data.Dataset.LabelFingerprint"/>).</param>
public sealed record RunOrigins(string? Teacher, string? Images, string? Labels = null)
{
    /// <summary>Hashes of the code that trains it, by part; null: not recorded.</summary>
    public JsonObject? Code { get; init; }

    /// <summary>Whether a recorded fingerprint is that of these images.</summary>
    public bool HasImages(string recorded) => recorded == Images || recorded == Labels;
}
