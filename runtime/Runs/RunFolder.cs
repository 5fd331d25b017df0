using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Runs;

/// <summary>Write times and sizes of run.json and result.json; -1 for a missing file.</summary>
public readonly record struct RecordStamp(long RunWritten, long RunBytes, long ResultWritten, long ResultBytes);

/// <summary>The folder of one run, `NAME-HASH8`: its spec, metrics, result and checkpoints. The hash identifies it under any name.</summary>
public sealed class RunFolder(string path)
{
    private const int HashLength = 8;
    private const string HashEntry = "hash";
    private const string TeacherEntry = "teacher_sha256";
    private const string ImagesEntry = "images_xxh3";
    private const string ResultEntry = "result_xxh128";

    public string Path { get; } = path;

    private string SpecFile => In("run.json");

    /// <summary>One line per finished epoch.</summary>
    public string Metrics => In("metrics.jsonl");

    private string ResultFile => In("result.json");

    public string LatestWeights => In("checkpoints", "latest.safetensors");

    public string BestWeights => In("checkpoints", "best.safetensors");

    public string State => In("checkpoints", "latest.state.safetensors");

    /// <summary>The training state before <see cref="State"/>, as a fallback.</summary>
    public string PreviousState => In("checkpoints", "previous.state.safetensors");

    public static string NameOf(string runName, RunSpec spec) => $"{runName}-{spec.Hash()[..HashLength]}";

    /// <summary>The hash of the folder's run; null if unknown.</summary>
    public string? ReadHash() => (string?)ReadRun()?[HashEntry];

    /// <summary>The hash in the result of <see cref="ReadRun"/>.</summary>
    public static string? HashIn(JsonObject run) => (string?)run[HashEntry];

    /// <summary>Whether the folder contains another run than the one with this hash. A folder without a hash counts as the same.</summary>
    public bool HoldsOtherRun(string hash) => HoldsOtherRun(ReadRun(), hash);

    /// <summary>The same for the result of <see cref="ReadRun"/>.</summary>
    public static bool HoldsOtherRun(JsonObject? run, string hash) => (string?)run?[HashEntry] is string own && own != hash;

    /// <summary>When the result was last written, UTC; a time long ago if never.</summary>
    public DateTime ResultWritten => File.GetLastWriteTimeUtc(ResultFile);

    /// <summary>Whether the weights of the last and the best epoch exist.</summary>
    public bool HasWeights() => File.Exists(LatestWeights) && File.Exists(BestWeights);

    /// <summary>Writes run.json when the run starts or resumes, with its earlier sessions and the new one, whose machine is also recorded at the top level.</summary>
    /// <param name="from">Epoch and finished steps of it at which the run resumes; (1, 0): from the start.</param>
    /// <param name="origins">Its teacher, images and code; null: no teacher, the rest unknown.</param>
    /// <param name="layouts">Memory layouts of its networks; null: unknown.</param>
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
        JsonObject software = Machine.Software(origins?.Code);
        JsonArray sessions = Sessions.Begun(earlier, Now(), software, hardware, from);
        var run = new JsonObject
        {
            ["run"] = name,
            [HashEntry] = spec.Hash(),
            ["spec"] = SpecJson.ToJson(spec),
            [TeacherEntry] = origins?.Teacher,
            [ImagesEntry] = origins?.Images,
            ["software"] = software,
            ["hardware"] = hardware,
            ["started"] = earlier?["started"]?.DeepClone() ?? Now(),
            ["ended"] = null,
            ["sessions"] = sessions,
        };
        AtomicFile.WriteText(SpecFile, run.ToJsonString(RecordJson.Pretty) + "\n");
    }

    /// <summary>A stamp that shows whether run.json and result.json have changed, without reading them; null if they are so recent that a change may go unnoticed.</summary>
    public RecordStamp? Stamp()
    {
        FileInfo run = new(SpecFile),
            result = new(ResultFile);
        DateTime last = run.LastWriteTimeUtc > result.LastWriteTimeUtc ? run.LastWriteTimeUtc : result.LastWriteTimeUtc;
        return last > DateTime.UtcNow - Youth
            ? null
            : new(run.LastWriteTimeUtc.Ticks, run.Exists ? run.Length : -1, result.LastWriteTimeUtc.Ticks, result.Exists ? result.Length : -1);
    }

    /// <summary>Longer than the time resolution of any file system.</summary>
    private static readonly TimeSpan Youth = TimeSpan.FromSeconds(3);

    /// <summary>The content of run.json; null if the run was never started or the file is damaged.</summary>
    public JsonObject? ReadRun() => IsFile(SpecFile) ? RunJson.Parse(File.ReadAllText(SpecFile)) : null;

    /// <exception cref="IOException">One of its files is a folder.</exception>
    public void RequireFiles()
    {
        foreach (string file in new[] { SpecFile, Metrics, ResultFile, LatestWeights, BestWeights, State, PreviousState })
        {
            if (Directory.Exists(file))
                throw new IOException($"{file} must be a file but is a folder; remove it.");
        }
    }

    /// <summary>Those of run.json and result.json that exist but are invalid.</summary>
    public IReadOnlyList<string> Damaged() =>
        [
            .. new[] { (File: SpecFile, IsDamaged: ReadRun() is null), (File: ResultFile, IsDamaged: ReadResult() is null) }
                .Where(record => record.IsDamaged && File.Exists(record.File))
                .Select(record => record.File),
        ];

    /// <summary>SHA-256 of the teacher's weights when the run last started; null if there is no teacher, or unknown.</summary>
    public string? ReadTeacher() => ReadRun() is JsonObject run ? TeacherIn(run) : null;

    /// <summary>The same in the result of <see cref="ReadRun"/>.</summary>
    public static string? TeacherIn(JsonObject run) => (string?)run[TeacherEntry];

    /// <summary>Fingerprint of the images that the run started with; null if unknown.</summary>
    public string? ReadImages() => ReadRun() is JsonObject run ? ImagesIn(run) : null;

    /// <summary>The same in the result of <see cref="ReadRun"/>.</summary>
    public static string? ImagesIn(JsonObject run) => (string?)run[ImagesEntry];

    /// <summary>Memory layouts of the run's networks when it last started; null if it was never started.</summary>
    public RunLayouts? ReadLayouts() => ReadRun() is JsonObject run ? Machine.LayoutsOf(run["hardware"]) : null;

    public void WriteResult(RunResult result, SessionTime time = default) => WriteEnd(result, run => Sessions.End(run, Now(), time));

    /// <summary>Records that the run failed because its process crashed, with its finished epochs. Its last session has no end.</summary>
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

    /// <summary>The result; null if the run has not ended, or the file is damaged and the run has to be ended again.</summary>
    public RunResult? ReadResult() => IsFile(ResultFile) ? ReadResult(ReadRun()) : null;

    /// <summary>The same with the result of <see cref="ReadRun"/>.</summary>
    public RunResult? ReadResult(JsonObject? run)
    {
        if (!IsFile(ResultFile))
            return null;
        string text = File.ReadAllText(ResultFile);
        bool isChanged = (string?)run?[ResultEntry] is string checksum && checksum != RecordChecksum.Of(text);
        return !isChanged && Parse<RunResult>(text) is { IsIntact: true } result ? result : null;
    }

    /// <summary>Removes the result of a run that resumes.</summary>
    public void RemoveResult() => File.Delete(ResultFile);

    public void AppendMetrics(EpochRecord record)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(record, RecordJson.Line) + "\n");
        using var stream = new FileStream(Metrics, FileMode.Append, FileAccess.Write, FileShare.Read);
        stream.Write(line);
        AtomicFile.Writing?.Invoke(Metrics);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Finished epochs in order, up to the first line that is truncated or damaged.</summary>
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

    /// <summary>The last finished epoch, without reading earlier ones; null if there is none, or it is being written.</summary>
    public EpochRecord? ReadLastEpoch() =>
        IsFile(Metrics) && File.ReadLines(Metrics).LastOrDefault() is string line ? Parse<EpochRecord>(line) : null;

    /// <summary>Removes the lines of epochs that will be trained again, and a truncated line.</summary>
    /// <param name="epochs">Number of finished epochs to keep.</param>
    /// <returns>The kept records.</returns>
    public IReadOnlyList<EpochRecord> TruncateMetrics(int epochs)
    {
        if (!IsFile(Metrics))
            return [];
        EpochRecord[] kept = [.. ReadMetrics().Where(record => record.Epoch <= epochs)];
        AtomicFile.WriteText(Metrics, string.Concat(kept.Select(record => JsonSerializer.Serialize(record, RecordJson.Line) + "\n")));
        return kept;
    }

    /// <summary>Excludes pipes, which would block.</summary>
    private static bool IsFile(string path) => InputFile.ReasonNotReadable(path) is null;

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
