using System.Text.Json;

namespace ChannelDistillation.Records;

/// <summary>
/// Takes folders into possession, and remembers how long it has seen other owners not move: clocks of two machines need not agree.
/// </summary>
/// <param name="beat">How often owners touch their file.</param>
/// <param name="patience">How long a file may stay untouched before its owner counts as gone; more than what a network file system takes to show a change.</param>
/// <param name="time">The clock that both are measured by.</param>
public sealed class Owners(TimeSpan beat, TimeSpan patience, TimeProvider time)
{
    private const int LinuxExists = 17;
    private const int WindowsExists = unchecked((int)0x80070050);
    private readonly Dictionary<string, (string Seen, long Since)> watched = [];

    public Owners()
        : this(TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2), TimeProvider.System) { }

    /// <summary>Makes the folder where it is not there, and takes it if nobody has it.</summary>
    /// <param name="other">Who has it, in words; null if it was taken.</param>
    /// <exception cref="IOException">Nothing can be written there.</exception>
    /// <exception cref="UnauthorizedAccessException">Nothing can be written there.</exception>
    public Ownership? TryTake(string folder, out string? other)
    {
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, ".owner");
        Owner me = Owner.Me();
        if (Create(file, me) || (IsGone(file) is string gone && TakeOver(file, gone, me)))
        {
            watched.Remove(file);
            other = null;
            return new(file, me.Id, beat, time);
        }
        other = Owner.Read(file)?.ToString() ?? "another process";
        return null;
    }

    private static bool Create(string file, Owner me)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            try
            {
                JsonSerializer.Serialize(stream, me, RecordJson.Line);
                stream.Flush();
                return true;
            }
            catch
            {
                // On a full disk: a file that names nobody would have to be waited for.
                File.Delete(file);
                throw;
            }
        }
        catch (IOException error) when (!Directory.Exists(file) && (File.Exists(file) || error.HResult is LinuxExists or WindowsExists))
        {
            // It may have been given back since.
            return false;
        }
    }

    /// <returns>What tells the owner that is gone; null: it lives, as far as can be seen.</returns>
    private string? IsGone(string file)
    {
        Owner? owner = Owner.Read(file);
        string id = owner?.Id ?? "unwritten";
        if (owner?.IsDead() == true)
            return id;
        string seen = $"{id} {File.GetLastWriteTimeUtc(file).Ticks}";
        if (!watched.TryGetValue(file, out var known) || known.Seen != seen)
            watched[file] = known = (seen, time.GetTimestamp());
        return time.GetElapsedTime(known.Since) > patience ? id : null;
    }

    /// <summary>Of several who saw the same owner gone, the one takes over that creates a file with its name on it.</summary>
    private static bool TakeOver(string file, string gone, Owner me)
    {
        string claim = $"{file}.{gone}";
        if (!Create(claim, me))
        {
            // Its maker may have died just then.
            if (Owner.Read(claim)?.IsDead() == true)
                File.Delete(claim);
            return false;
        }
        try
        {
            // Another may have taken over and given back in the meantime.
            if ((Owner.Read(file)?.Id ?? "unwritten") != gone || !File.Exists(file))
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
