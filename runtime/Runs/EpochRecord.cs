using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Runs;

/// <summary>One line of metrics.jsonl. Errors are percentages.</summary>
public sealed record EpochRecord
{
    /// <summary>From 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>At the epoch's first step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Mean weighted total over the epoch's images.</summary>
    public required double Loss { get; init; }

    /// <summary>Unweighted mean of each active loss. A loss with weight 0 in this epoch is not computed and not listed.</summary>
    public required IReadOnlyDictionary<string, double> Losses { get; init; }

    /// <summary>The weight of every loss of the run.</summary>
    public required IReadOnlyDictionary<string, double> LossWeights { get; init; }

    public required double TrainTop1Error { get; init; }

    public required double TrainTop5Error { get; init; }

    public required double Top1Error { get; init; }

    public required double Top5Error { get; init; }

    /// <summary>Training images per second of the whole cohort (each image counted once).</summary>
    public required double ImagesPerSecond { get; init; }

    public required double Seconds { get; init; }
}

/// <summary>XXH128 over consecutive records: detects changed digits in files that are still valid JSON.</summary>
internal sealed class RecordChecksum
{
    private readonly XxHash128 hash = new();

    /// <summary>32 hexadecimal digits over the records added so far.</summary>
    public string Digits => Convert.ToHexStringLower(hash.GetCurrentHash());

    public static string Of(string text) => Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(text)));

    /// <summary>Adds a record without its times, which are not reproducible.</summary>
    public void Add(EpochRecord record) =>
        hash.Append(JsonSerializer.SerializeToUtf8Bytes(record with { Seconds = 0, ImagesPerSecond = 0 }, RecordJson.Line));
}
