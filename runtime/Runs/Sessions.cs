using System.Text.Json.Nodes;

namespace ChannelDistillation.Runs;

/// <summary>
/// The sessions of a run, in its run.json: each start in order, with its machine and software, and the epoch
/// (from 1) and finished steps at which it began. Work beyond the start of a later session was repeated by that session.
/// </summary>
public static class Sessions
{
    private const string Entry = "sessions";

    /// <param name="earlier">The previous run.json; null if there was none.</param>
    /// <param name="software">As <see cref="Machine.Software"/> gave it.</param>
    /// <param name="hardware">As <see cref="Machine.Hardware"/> gave it.</param>
    internal static JsonArray Begun(JsonObject? earlier, string now, JsonObject software, JsonObject hardware, (int Epoch, int Step) from)
    {
        JsonArray sessions = earlier?[Entry]?.DeepClone() as JsonArray ?? [];
        sessions.Add(
            new JsonObject
            {
                ["started"] = now,
                ["ended"] = null,
                ["epoch"] = from.Epoch,
                ["step"] = from.Step,
                ["software"] = software.DeepClone(),
                ["hardware"] = hardware.DeepClone(),
            }
        );
        return sessions;
    }

    /// <summary>Records the end of the last session and its times.</summary>
    internal static void End(JsonObject run, string now, SessionTime time)
    {
        if (Of(run).LastOrDefault() is not JsonObject last)
            return;
        last["ended"] = now;
        last["seconds"] = Math.Round(time.Seconds, 3);
        last["saving_seconds"] = Math.Round(time.SavingSeconds, 3);
        if (time.PeakMemory is long bytes)
            last["peak_memory_mib"] = bytes >> 20;
    }

    /// <summary>The sessions whose work is part of the run, in order. A run.json of an earlier version is a single session.</summary>
    public static IReadOnlyList<JsonObject> Counting(JsonObject run)
    {
        JsonObject[] all = [.. Of(run)];
        return all.Length == 0 ? [run] : [.. all.Where((session, i) => all.Skip(i + 1).All(later => Place(later).CompareTo(Place(session)) > 0))];
    }

    /// <summary>
    /// Number of sessions up to the last that never ended and began at the run's current position: each was cut off before it saved anything.
    /// </summary>
    /// <param name="now">Epoch (from 1) and finished steps of the newest checkpoint; (1, 0) if there is none.</param>
    public static int CutOff(JsonObject run, (int Epoch, int Step) now) =>
        Of(run).Reverse().TakeWhile(session => session["ended"] is null && Place(session) == now).Count();

    /// <summary>Whether the last session had this machine and software, so that its results are reproduced.</summary>
    internal static bool IsLastLikeNow(JsonObject run, string device, JsonObject? code)
    {
        JsonObject last = Of(run).LastOrDefault() ?? run;
        JsonObject hardware = Machine.Hardware(device);
        return JsonNode.DeepEquals(last["software"], Machine.Software(code))
            && new[] { "device", "processor", "threads" }.All(name => JsonNode.DeepEquals(last["hardware"]?[name], hardware[name]));
    }

    private static IEnumerable<JsonObject> Of(JsonObject run) => (run[Entry] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static (int Epoch, int Step) Place(JsonObject session) => ((int?)session["epoch"] ?? 1, (int?)session["step"] ?? 0);
}

/// <summary>Times and memory of a session.</summary>
/// <param name="Seconds">From start to end, including the time of other runs in its cohort.</param>
/// <param name="SavingSeconds">Part of it spent on writing its own records and checkpoints.</param>
/// <param name="PeakMemory">Peak memory of its cohort on the device in bytes; null if unknown.</param>
public readonly record struct SessionTime(double Seconds, double SavingSeconds, long? PeakMemory = null);
