using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Runs;

/// <summary>When run.json and result.json were written, and how long they are; -1: not there.</summary>
public readonly record struct RecordStamp(long RunWritten, long RunBytes, long ResultWritten, long ResultBytes);

/// <summary>The folder of one run, `NAME-HASH8`: what it was, how it went, how it ended. The hash finds it again under any name.</summary>
public sealed class RunFolder(string path)
{
    private const int HashLength = 8;
    private const string HashEntry = "hash";
    private const string TeacherEntry = "teacher_sha256";
    private const string ImagesEntry = "images_xxh3";
    private const string ResultEntry = "result_xxh128";

    public string Path { get; } = path;

    private string SpecFile => In("run.json");

    /// <summary>A line for each finished epoch.</summary>
    public string Metrics => In("metrics.jsonl");

    private string ResultFile => In("result.json");

    public string LatestWeights => In("checkpoints", "latest.safetensors");

    public string BestWeights => In("checkpoints", "best.safetensors");

    public string State => In("checkpoints", "latest.state.safetensors");

    /// <summary>The training state before <see cref="State"/>, to fall back on.</summary>
    public string PreviousState => In("checkpoints", "previous.state.safetensors");

    public static string NameOf(string runName, RunSpec spec) => $"{runName}-{spec.Hash()[..HashLength]}";

    /// <summary>The hash of the run that is in the folder; null: not known.</summary>
    public string? ReadHash() => (string?)ReadRun()?[HashEntry];

    /// <summary>The same, of what <see cref="ReadRun"/> gave.</summary>
    public static string? HashIn(JsonObject run) => (string?)run[HashEntry];

    /// <summary>Whether the folder holds another run than the one with this hash; a folder that does not say is taken for it.</summary>
    public bool IsOfAnother(string hash) => IsOfAnother(ReadRun(), hash);

    /// <summary>The same, of what <see cref="ReadRun"/> gave.</summary>
    public static bool IsOfAnother(JsonObject? run, string hash) => (string?)run?[HashEntry] is string own && own != hash;

    /// <summary>When its end was last recorded, UTC; long ago where it never was.</summary>
    public DateTime ResultWritten => File.GetLastWriteTimeUtc(ResultFile);

    /// <summary>Whether the weights of the last and of the best epoch are there.</summary>
    public bool HasWeights() => File.Exists(LatestWeights) && File.Exists(BestWeights);

    /// <summary>Writes run.json as the run starts or goes on: with its sessions so far and the one that begins, whose machine stands above them too.</summary>
    /// <param name="from">Epoch and finished steps of it where the run goes on; (1, 0): at its start.</param>
    /// <param name="origins">What it learns from; null: from no teacher and images that are not known.</param>
    /// <param name="layouts">What its networks compute in; null: not known.</param>
    public void WriteStart(
        string name,
        RunSpec spec,
        string device,
        (int Epoch, int Step) from,
        RunOrigins? origins = null,
        RunLayouts? layouts = null
    )
    {
        JsonObject? earlier = ReadRun();
        JsonObject hardware = Machine.Hardware(device, layouts);
        JsonArray sessions = Sessions.Begun(earlier, Now(), hardware, from);
        var run = new JsonObject
        {
            ["run"] = name,
            [HashEntry] = spec.Hash(),
            ["spec"] = SpecJson.ToJson(spec),
            [TeacherEntry] = origins?.Teacher,
            [ImagesEntry] = origins?.Images,
            ["software"] = Machine.Software(),
            ["hardware"] = hardware,
            ["started"] = earlier?["started"]?.DeepClone() ?? Now(),
            ["ended"] = null,
            ["sessions"] = sessions,
        };
        AtomicFile.WriteText(SpecFile, run.ToJsonString(RecordJson.Pretty) + "\n");
    }

    /// <summary>Tells whether run.json and result.json are still those of before, without reading them; null: so young that they may change unseen.</summary>
    public RecordStamp? Stamp()
    {
        FileInfo run = new(SpecFile),
            result = new(ResultFile);
        DateTime last = run.LastWriteTimeUtc > result.LastWriteTimeUtc ? run.LastWriteTimeUtc : result.LastWriteTimeUtc;
        return last > DateTime.UtcNow - Youth
            ? null
            : new(run.LastWriteTimeUtc.Ticks, run.Exists ? run.Length : -1, result.LastWriteTimeUtc.Ticks, result.Exists ? result.Length : -1);
    }

    /// <summary>More than what passes between two times that a file system can tell apart.</summary>
    private static readonly TimeSpan Youth = TimeSpan.FromSeconds(3);

    /// <summary>The content of run.json; null: the run was never started, or the file is damaged.</summary>
    public JsonObject? ReadRun() => IsFile(SpecFile) ? RunJson.Parse(File.ReadAllText(SpecFile)) : null;

    /// <exception cref="IOException">A folder is where one of its files must be.</exception>
    public void RequireFiles()
    {
        foreach (string file in new[] { SpecFile, Metrics, ResultFile, LatestWeights, BestWeights, State, PreviousState })
        {
            if (Directory.Exists(file))
                throw new IOException($"{file} is a folder where a file must be: remove it.");
        }
    }

    /// <summary>Those of run.json and result.json that are there and not what this program writes.</summary>
    public IReadOnlyList<string> Damaged() =>
        [
            .. new[] { (File: SpecFile, IsDamaged: ReadRun() is null), (File: ResultFile, IsDamaged: ReadResult() is null) }
                .Where(record => record.IsDamaged && File.Exists(record.File))
                .Select(record => record.File),
        ];

    /// <summary>SHA-256 of the weights that the run learned from when it last started; null: none, or not known.</summary>
    public string? ReadTeacher() => (string?)ReadRun()?[TeacherEntry];

    /// <summary>Fingerprint of the images that the run began with; null: not known.</summary>
    public string? ReadImages() => (string?)ReadRun()?[ImagesEntry];

    /// <summary>What the run's networks computed in when it last started; null: it was never started.</summary>
    public RunLayouts? ReadLayouts() => ReadRun() is JsonObject run ? Machine.LayoutsOf(run["hardware"]) : null;

    public void WriteResult(RunResult result, SessionTime time = default) => WriteEnd(result, run => Sessions.End(run, Now(), time));

    /// <summary>Records that the run failed because its process crashed, with the epochs that were finished. Its last session stays without an end.</summary>
    public void WriteCrash(string message)
    {
        EpochErrors[] epochs = [.. ReadMetrics().Select(record => new EpochErrors(record.Epoch, record.Top1Error, record.Top5Error))];
        WriteEnd(new(RunStatus.Failed, epochs.LastOrDefault(), epochs.MinBy(epoch => epoch.Top1Error), message), _ => { });
    }

    private void WriteEnd(RunResult result, Action<JsonObject> endSession)
    {
        string text = JsonSerializer.Serialize(result, RecordJson.Pretty) + "\n";
        if (ReadRun() is JsonObject run)
        {
            run["ended"] = Now();
            run[ResultEntry] = RecordChecksum.Of(text);
            endSession(run);
            AtomicFile.WriteText(SpecFile, run.ToJsonString(RecordJson.Pretty) + "\n");
        }
        AtomicFile.WriteText(ResultFile, text);
    }

    /// <summary>Null: the run has not ended, or the file is damaged and the run has to be ended again.</summary>
    public RunResult? ReadResult() => IsFile(ResultFile) ? ReadResult(ReadRun()) : null;

    /// <summary>The same with what <see cref="ReadRun"/> gave.</summary>
    public RunResult? ReadResult(JsonObject? run)
    {
        if (!IsFile(ResultFile))
            return null;
        string text = File.ReadAllText(ResultFile);
        bool isChanged = (string?)run?[ResultEntry] is string checksum && checksum != RecordChecksum.Of(text);
        return !isChanged && Parse<RunResult>(text) is { IsWhole: true } result ? result : null;
    }

    /// <summary>The run goes on: how it ended before is no longer so.</summary>
    public void RemoveResult() => File.Delete(ResultFile);

    public void AppendMetrics(EpochRecord record)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(record, RecordJson.Line) + "\n");
        using var stream = new FileStream(Metrics, FileMode.Append, FileAccess.Write, FileShare.Read);
        stream.Write(line);
        AtomicFile.Writing?.Invoke(Metrics);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Finished epochs in order, up to the first line that a crash cut short or that is damaged.</summary>
    public IReadOnlyList<EpochRecord> ReadMetrics()
    {
        if (!IsFile(Metrics))
            return [];
        string text = File.ReadAllText(Metrics);
        int end = text.LastIndexOf('\n') + 1;
        return
        [
            .. text[..end]
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(Parse<EpochRecord>)
                .TakeWhile(record => record is not null)
                .Select(record => record!),
        ];
    }

    /// <summary>The last finished epoch, without a look at those before; null: there is none, or it is being written.</summary>
    public EpochRecord? ReadLastEpoch() =>
        IsFile(Metrics) && File.ReadLines(Metrics).LastOrDefault() is string line ? Parse<EpochRecord>(line) : null;

    /// <summary>Drops the lines of epochs that are going to be trained again, and a line that was cut short.</summary>
    /// <param name="epochs">Finished epochs to keep.</param>
    /// <returns>The kept records.</returns>
    public IReadOnlyList<EpochRecord> TruncateMetrics(int epochs)
    {
        if (!IsFile(Metrics))
            return [];
        EpochRecord[] kept = [.. ReadMetrics().Where(record => record.Epoch <= epochs)];
        AtomicFile.WriteText(Metrics, string.Concat(kept.Select(record => JsonSerializer.Serialize(record, RecordJson.Line) + "\n")));
        return kept;
    }

    /// <summary>Not where a pipe is in its place, which would be waited for.</summary>
    private static bool IsFile(string path) => InputFile.WhyNot(path) is null;

    private static T? Parse<T>(string json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, RecordJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private string In(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    private static string Now() => DateTimeOffset.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");
}
