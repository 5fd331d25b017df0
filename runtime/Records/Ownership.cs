using System.Diagnostics;
using System.Text.Json;

namespace ChannelDistillation.Records;

/// <summary>
/// A folder that one process works in, told by a file `.owner` in it. The file needs nothing of the file system but that one of two
/// processes creates it, so that it works on network file systems too. Its owner touches it as long as it lives; an owner that is dead, or has
/// not touched it for long, loses the folder to the next who asks.
/// </summary>
public sealed class Ownership : IDisposable
{
    private readonly string file;
    private readonly string id;
    private readonly Timer heart;
    private volatile bool lost;

    internal Ownership(string file, string id, TimeSpan beat)
    {
        this.file = file;
        this.id = id;
        heart = new Timer(_ => Beat(), null, beat, beat);
    }

    /// <summary>Whether the folder is still this process's: not after it slept so long that another took it over.</summary>
    public bool IsHeld => !lost;

    /// <summary>Gives the folder back.</summary>
    public void Dispose()
    {
        using (var stopped = new ManualResetEvent(false))
        {
            if (heart.Dispose(stopped))
                stopped.WaitOne();
        }
        if (!lost && Owner.Read(file)?.Id == id)
            File.Delete(file);
    }

    private void Beat()
    {
        try
        {
            if (Owner.Read(file)?.Id == id)
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow);
            else
                lost = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A file system that does not answer may answer the next time.
        }
    }
}

/// <summary>Who owns a folder.</summary>
/// <param name="Id">Of this one taking of it.</param>
/// <param name="Host">Name of the machine.</param>
/// <param name="Space">What process numbers count in: containers of one machine have their own.</param>
/// <param name="Started">Start of the process, in ticks of the machine's clock: another process can come to have its number.</param>
internal sealed record Owner(string Id, string Host, string Space, int Process, long Started)
{
    public static Owner Me()
    {
        using Process me = System.Diagnostics.Process.GetCurrentProcess();
        return new(Guid.NewGuid().ToString("N"), Environment.MachineName, Numbering, me.Id, me.StartTime.Ticks);
    }

    private static string Numbering => OperatingSystem.IsLinux() ? new FileInfo("/proc/self/ns/pid").LinkTarget ?? "" : "";

    /// <summary>Null: the file is not there, or not written yet.</summary>
    public static Owner? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<Owner>(File.ReadAllText(file), RecordJson.Line);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether it is a process of this machine that has ended.</summary>
    public bool IsDead()
    {
        if (Host != Environment.MachineName || Space != Numbering)
            return false;
        try
        {
            using Process process = System.Diagnostics.Process.GetProcessById(Process);
            return process.StartTime.Ticks != Started;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    public override string ToString() => $"process {Process} on {Host}";
}
