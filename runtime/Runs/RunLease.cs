using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Runs;

/// <summary>
/// A folder that one process works in, told by a file `.owner` in it. The file needs nothing of the file system but that one of two
/// processes creates it, so that it works on network file systems too. Its owner touches it as long as it lives; an owner that is dead, or has
/// not touched it for long, loses the folder to the next who asks.
/// </summary>
public sealed class RunLease : IDisposable
{
    private readonly string file;
    private readonly string id;
    private readonly ITimer heart;
    private volatile bool lost;

    internal RunLease(string file, string id, TimeSpan beat, TimeProvider time)
    {
        this.file = file;
        this.id = id;
        heart = time.CreateTimer(_ => Beat(), null, beat, beat);
    }

    /// <summary>Whether the folder is still this process's: not after it slept so long that another took it over.</summary>
    public bool IsHeld => !lost;

    /// <summary>Gives the folder back.</summary>
    public void Dispose()
    {
        // Until a beat that has begun is over: it must not touch the file of whoever comes next.
        heart.DisposeAsync().AsTask().Wait();
        try
        {
            if (!lost && LeaseHolder.Read(file)?.Id == id)
                File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever wants the folder sees that this process has ended.
        }
    }

    private void Beat()
    {
        try
        {
            if (LeaseHolder.Read(file)?.Id == id)
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
/// <param name="Space">What its number counts in, as <see cref="ProcessSpace"/> has it.</param>
/// <param name="Started">Start of the process, as every process of the machine sees it: another process can come to have its number.</param>
internal sealed record LeaseHolder(string Id, string Host, string Space, int Process, long Started)
{
    public static LeaseHolder Me() =>
        new(Guid.NewGuid().ToString("N"), Environment.MachineName, ProcessSpace.Name, Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>Null: the file is not there, or not written yet.</summary>
    public static LeaseHolder? Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<LeaseHolder>(File.ReadAllText(file), RecordJson.Line);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether it is a process of this machine that has ended.</summary>
    public bool IsDead() => Host == Environment.MachineName && Space == ProcessSpace.Name && StartOf(Process) != Started;

    public override string ToString() => $"process {Process} on {Host}";

    /// <summary>Null: there is no such process. On Linux .NET derives the time from the clock, and two processes see it differently; the kernel's own count they see alike.</summary>
    private static long? StartOf(int process)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using Process running = System.Diagnostics.Process.GetProcessById(process);
                return running.StartTime.Ticks;
            }
            string status = File.ReadAllText($"/proc/{process}/stat");
            // The program's name, in brackets, may hold anything; `starttime` is the twentieth field after it.
            return long.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or IOException)
        {
            return null;
        }
    }
}
