using System.Text.Json.Nodes;

namespace ChannelDistillation.Runs;

/// <summary>
/// The sessions of a run, in its run.json: each start of it, in order, with the machine and the software that it went on with, and the epoch
/// (from 1) and the finished steps of it where it began. What a later session began before is that later session's work.
/// </summary>
public static class Sessions
{
    private const string Entry = "sessions";

    /// <param name="earlier">The run.json that was there; null: there was none.</param>
    /// <param name="hardware">As <see cref="Machine.Hardware"/> gave it.</param>
    internal static JsonArray Begun(JsonObject? earlier, string now, JsonObject hardware, (int Epoch, int Step) from)
    {
        JsonArray sessions = earlier?[Entry]?.DeepClone() as JsonArray ?? [];
        sessions.Add(
            new JsonObject
            {
                ["started"] = now,
                ["ended"] = null,
                ["epoch"] = from.Epoch,
                ["step"] = from.Step,
                ["software"] = Machine.Software(),
                ["hardware"] = hardware.DeepClone(),
            }
        );
        return sessions;
    }

    /// <summary>Notes the end of the last session and what it took.</summary>
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

    /// <summary>Those that something of the run is the work of, in order. A run.json of an earlier version is one session itself.</summary>
    public static IReadOnlyList<JsonObject> Counting(JsonObject run)
    {
        JsonObject[] all = [.. Of(run)];
        return all.Length == 0 ? [run] : [.. all.Where((session, i) => all.Skip(i + 1).All(later => Place(later).CompareTo(Place(session)) > 0))];
    }

    /// <summary>
    /// How many sessions up to the last never ended and began where the run stands now: each of them was cut off before it saved anything.
    /// </summary>
    /// <param name="now">Epoch (from 1) and finished steps of it at the newest checkpoint; (1, 0): there is none.</param>
    public static int CutOff(JsonObject run, (int Epoch, int Step) now) =>
        Of(run).Reverse().TakeWhile(session => session["ended"] is null && Place(session) == now).Count();

    /// <summary>Whether the last session had this machine and this software: then the same numbers come again.</summary>
    internal static bool IsLastLikeNow(JsonObject run, string device)
    {
        JsonObject last = Of(run).LastOrDefault() ?? run;
        JsonObject hardware = Machine.Hardware(device);
        return JsonNode.DeepEquals(last["software"], Machine.Software())
            && new[] { "device", "processor", "threads" }.All(name => JsonNode.DeepEquals(last["hardware"]?[name], hardware[name]));
    }

    private static IEnumerable<JsonObject> Of(JsonObject run) => (run[Entry] as JsonArray)?.OfType<JsonObject>() ?? [];

    private static (int Epoch, int Step) Place(JsonObject session) => ((int?)session["epoch"] ?? 1, (int?)session["step"] ?? 0);
}

/// <summary>What a session of a run took.</summary>
/// <param name="Seconds">From its start to its end, in the company that it had.</param>
/// <param name="SavingSeconds">Of these, spent on writing its own records and checkpoints.</param>
/// <param name="PeakMemory">The most bytes that its cohort held on the device; null: not known.</param>
public readonly record struct SessionTime(double Seconds, double SavingSeconds, long? PeakMemory = null);
