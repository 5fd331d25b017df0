using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Runs;

/// <summary>
/// Takes folders into possession, and remembers how long it has seen other owners not move: clocks of two machines need not agree.
/// </summary>
/// <param name="beat">How often owners touch their file.</param>
/// <param name="patience">How long a file may stay untouched before its owner counts as gone; more than what a network file system takes to show a change.</param>
/// <param name="time">The clock that both are measured by.</param>
public sealed class RunLeases(TimeSpan beat, TimeSpan patience, TimeProvider time)
{
    private const string Unwritten = "unwritten";
    private const int LinuxExists = 17;
    private const int WindowsExists = unchecked((int)0x80070050);
    private readonly Dictionary<string, (string Seen, long Since)> watched = [];

    public RunLeases()
        : this(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2), TimeProvider.System) { }

    /// <summary>Makes the folder where it is not there, and takes it if nobody has it.</summary>
    /// <param name="other">Who has it, in words; null if it was taken.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    /// <exception cref="UnauthorizedAccessException">Nothing can be written there.</exception>
    public RunLease? TryTake(string folder, out string? other)
    {
        if (File.Exists(folder))
            throw new IOException($"{folder} is a file where a folder must be: remove it.");
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, ".owner");
        LeaseHolder me = LeaseHolder.Me();
        if (Create(file, me) || (IsGone(file) is string gone && TakeOver(file, gone, me)))
        {
            watched.Remove(file);
            other = null;
            return new(file, me.Id, beat, time);
        }
        other = LeaseHolder.Read(file)?.ToString() ?? "another process";
        return null;
    }

    /// <summary>Creates a file that names its owner, if there is none. Nobody ever sees it without the name: it is written beside, and gets its second name whole.</summary>
    private static bool Create(string file, LeaseHolder me)
    {
        if (Directory.Exists(file))
            throw new IOException($"{file} is a folder where a file must be: remove it.");
        string beside = AtomicFile.Beside(file);
        try
        {
            Write(beside, me);
            return UnixFiles.TryLink(beside, file) ?? TryWrite(file, me);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>For file systems whose files have one name each: whoever is killed within it leaves a file that has to be waited for.</summary>
    private static bool TryWrite(string file, LeaseHolder me)
    {
        try
        {
            Write(file, me);
            return true;
        }
        catch (IOException error) when (File.Exists(file) || error.HResult is LinuxExists or WindowsExists)
        {
            // It may have been given back since.
            return false;
        }
    }

    private static void Write(string file, LeaseHolder me)
    {
        using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        try
        {
            JsonSerializer.Serialize(stream, me, RecordJson.Line);
            AtomicFile.Writing?.Invoke(file);
            stream.Flush();
        }
        catch
        {
            // On a full disk: a file that names nobody would have to be waited for.
            File.Delete(file);
            throw;
        }
    }

    /// <returns>What tells the owner that is gone; null: it lives, as far as can be seen.</returns>
    private string? IsGone(string file)
    {
        LeaseHolder? owner = LeaseHolder.Read(file);
        string id = owner?.Id ?? Unwritten;
        if (owner?.IsDead() == true)
            return id;
        string seen = $"{id} {File.GetLastWriteTimeUtc(file).Ticks}";
        if (!watched.TryGetValue(file, out var known) || known.Seen != seen)
            watched[file] = known = (seen, time.GetTimestamp());
        return time.GetElapsedTime(known.Since) > patience ? id : null;
    }

    /// <summary>Of several who saw the same owner gone, the one takes over that creates a file with its name on it.</summary>
    private bool TakeOver(string file, string gone, LeaseHolder me)
    {
        string claim = $"{file}.{gone}";
        if (!Create(claim, me))
        {
            // Its maker may have died just then.
            if (IsGone(claim) is string dead && (LeaseHolder.Read(claim)?.Id ?? Unwritten) == dead)
            {
                watched.Remove(claim);
                File.Delete(claim);
            }
            return false;
        }
        try
        {
            // Another may have taken over and given back in the meantime.
            if ((LeaseHolder.Read(file)?.Id ?? Unwritten) != gone || !File.Exists(file))
                return false;
            AtomicFile.WriteText(file, JsonSerializer.Serialize(me, RecordJson.Line));
            return true;
        }
        finally
        {
            File.Delete(claim);
        }
    }
}
