using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Runs;

/// <summary>
/// Takes leases of folders, and measures how long other owners have been inactive with the local clock: clocks of machines may differ.
/// </summary>
/// <param name="beat">Interval at which owners touch their file.</param>
/// <param name="patience">Time without a touch after which an owner counts as gone; longer than a network file system takes to show a change.</param>
/// <param name="time">The clock for both.</param>
public sealed class RunLeases(TimeSpan beat, TimeSpan patience, TimeProvider time)
{
    private const string Unwritten = "unwritten";
    private const int LinuxExists = 17;
    private const int WindowsExists = unchecked((int)0x80070050);
    private readonly Dictionary<string, (string Seen, long Since)> watched = [];

    public RunLeases()
        : this(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2), TimeProvider.System) { }

    /// <summary>Creates the folder if needed, and takes it if it is free.</summary>
    /// <param name="other">Description of the owner; null if the lease was taken.</param>
    /// <exception cref="IOException">The folder is not writable.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not writable.</exception>
    public RunLease? TryTake(string folder, out string? other)
    {
        if (File.Exists(folder))
            throw new IOException($"{folder} must be a folder but is a file; remove it.");
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

    /// <summary>Creates a file that names its owner, if there is none. It is written to a temporary name and then linked, so that it never appears without its content.</summary>
    private static bool Create(string file, LeaseHolder me)
    {
        if (Directory.Exists(file))
            throw new IOException($"{file} must be a file but is a folder; remove it.");
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

    /// <summary>For file systems without hard links: a process killed during it leaves a file that others have to wait for.</summary>
    private static bool TryWrite(string file, LeaseHolder me)
    {
        try
        {
            Write(file, me);
            return true;
        }
        catch (IOException error) when (File.Exists(file) || error.HResult is LinuxExists or WindowsExists)
        {
            // It may have been released since.
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
            // On a full disk: others would have to wait for a file without an owner.
            File.Delete(file);
            throw;
        }
    }

    /// <returns>An identifier of the owner that is gone; null if it seems alive.</returns>
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

    /// <summary>Of several processes that saw the same owner gone, the one that creates a file with the owner's identifier takes over.</summary>
    private bool TakeOver(string file, string gone, LeaseHolder me)
    {
        string claim = $"{file}.{gone}";
        if (!Create(claim, me))
        {
            // Its creator may have just died.
            if (IsGone(claim) is string dead && (LeaseHolder.Read(claim)?.Id ?? Unwritten) == dead)
            {
                watched.Remove(claim);
                File.Delete(claim);
            }
            return false;
        }
        try
        {
            // Another process may have taken over and released it in the meantime.
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
