using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ChannelDistillation.Core;

namespace ChannelDistillation.Runs;

/// <summary>
/// Exclusive use of a folder by one process, marked by a file `.owner` in it. It requires only that exactly one of two
/// processes can create the file, so it also works on network file systems. The owner touches the file at intervals; a dead owner, or one that
/// has not touched it for long, loses the folder to the next process that requests it.
/// </summary>
public sealed class RunLease : IDisposable
{
    private readonly string file;
    private readonly string id;
    private readonly ITimer heartbeat;
    private volatile bool lost;

    internal RunLease(string file, string id, TimeSpan beat, TimeProvider time)
    {
        this.file = file;
        this.id = id;
        heartbeat = time.CreateTimer(_ => Beat(), null, beat, beat);
    }

    /// <summary>Whether the folder still belongs to this process: not if it was suspended so long that another took it over.</summary>
    public bool IsHeld => !lost;

    /// <summary>Releases the folder.</summary>
    public void Dispose()
    {
        // Wait for a running heartbeat to finish: it must not touch the file of the next owner.
        heartbeat.DisposeAsync().AsTask().Wait();
        try
        {
            if (!lost && LeaseHolder.Read(file)?.Id == id)
                File.Delete(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next process sees that this one has ended.
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
            // A file system that does not respond may recover.
        }
    }
}

/// <summary>The owner of a folder.</summary>
/// <param name="Id">Unique to this lease.</param>
/// <param name="Host">Name of the machine.</param>
/// <param name="Space">The space of its process ID (<see cref="ProcessNamespace"/>).</param>
/// <param name="Started">Start of the process, identical for all observers on the machine: process IDs are reused.</param>
internal sealed record LeaseHolder(string Id, string Host, string Space, int Process, long Started)
{
    public static LeaseHolder Me() =>
        new(Guid.NewGuid().ToString("N"), Environment.MachineName, ProcessNamespace.Name, Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>Reads the owner; null if the file does not exist or is not written yet.</summary>
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
    public bool IsDead() => Host == Environment.MachineName && Space == ProcessNamespace.Name && StartOf(Process) != Started;

    public override string ToString() => $"process {Process} on {Host}";

    /// <summary>Start of a process; null if it does not exist. On Linux .NET derives the time from the clock, so that two processes see different values; the kernel's count is the same for all.</summary>
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
            // The program's name, in parentheses, may contain anything; `starttime` is the twentieth field after it.
            return long.Parse(status[(status.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or IOException)
        {
            return null;
        }
    }
}
