using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Records;

/// <summary>The folder of one run, `NAME-HASH8`: what it was, how it went, how it ended. The hash finds it again under any name.</summary>
public sealed class RunFolder(string path)
{
    private const int HashLength = 8;

    public string Path { get; } = path;

    private string SpecFile => In("run.json");

    private string MetricsFile => In("metrics.jsonl");

    private string ResultFile => In("result.json");

    public string LatestWeights => In("checkpoints", "latest.safetensors");

    public string BestWeights => In("checkpoints", "best.safetensors");

    public string State => In("checkpoints", "latest.state.safetensors");

    public static string NameOf(string runName, RunSpec spec) => $"{runName}-{spec.Hash()[..HashLength]}";

    /// <summary>The folder of a run, whatever name it was given when it was first trained; null: not there yet.</summary>
    public static string? Find(string experimentFolder, RunSpec spec) =>
        Directory.Exists(experimentFolder)
            ? Directory.EnumerateDirectories(experimentFolder, "*-" + spec.Hash()[..HashLength]).Order(StringComparer.Ordinal).FirstOrDefault()
            : null;

    /// <summary>Writes run.json as the run starts; what an earlier start wrote is kept but for the machine it goes on on.</summary>
    public void WriteStart(string name, RunSpec spec, string device)
    {
        JsonObject? earlier = ReadRun();
        var run = new JsonObject
        {
            ["run"] = name,
            ["hash"] = spec.Hash(),
            ["spec"] = SpecJson.ToJson(spec),
            ["software"] = Machine.Software(),
            ["hardware"] = Machine.Hardware(device),
            ["started"] = earlier?["started"]?.DeepClone() ?? Now(),
            ["ended"] = null,
        };
        AtomicFile.WriteText(SpecFile, run.ToJsonString(RecordJson.Pretty) + "\n");
    }

    /// <summary>The content of run.json; null: the run was never started.</summary>
    public JsonObject? ReadRun() => File.Exists(SpecFile) ? JsonNode.Parse(File.ReadAllText(SpecFile))!.AsObject() : null;

    public void WriteResult(RunResult result)
    {
        if (ReadRun() is JsonObject run)
        {
            run["ended"] = Now();
            AtomicFile.WriteText(SpecFile, run.ToJsonString(RecordJson.Pretty) + "\n");
        }
        AtomicFile.WriteText(ResultFile, JsonSerializer.Serialize(result, RecordJson.Pretty) + "\n");
    }

    /// <summary>Null: the run has not ended.</summary>
    public RunResult? ReadResult() =>
        File.Exists(ResultFile) ? JsonSerializer.Deserialize<RunResult>(File.ReadAllText(ResultFile), RecordJson.Line) : null;

    /// <summary>The run goes on: how it ended before is no longer so.</summary>
    public void RemoveResult() => File.Delete(ResultFile);

    public void AppendMetrics(EpochRecord record)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(record, RecordJson.Line) + "\n");
        using var stream = new FileStream(MetricsFile, FileMode.Append, FileAccess.Write, FileShare.Read);
        stream.Write(line);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Finished epochs in order; a last line that a crash cut short does not count.</summary>
    public IReadOnlyList<EpochRecord> ReadMetrics()
    {
        if (!File.Exists(MetricsFile))
            return [];
        string text = File.ReadAllText(MetricsFile);
        int end = text.LastIndexOf('\n') + 1;
        return
        [
            .. text[..end]
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonSerializer.Deserialize<EpochRecord>(line, RecordJson.Line)!),
        ];
    }

    /// <summary>Drops the lines of epochs that are going to be trained again, and a line that was cut short.</summary>
    /// <param name="epochs">Finished epochs to keep.</param>
    /// <returns>The kept records.</returns>
    public IReadOnlyList<EpochRecord> TruncateMetrics(int epochs)
    {
        if (!File.Exists(MetricsFile))
            return [];
        EpochRecord[] kept = [.. ReadMetrics().Where(record => record.Epoch <= epochs)];
        AtomicFile.WriteText(MetricsFile, string.Concat(kept.Select(record => JsonSerializer.Serialize(record, RecordJson.Line) + "\n")));
        return kept;
    }

    private string In(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Now() => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
