using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace ChannelDistillation.Records;

/// <summary>Who owns a folder.</summary>
/// <param name="Id">Of this one taking of it.</param>
/// <param name="Host">Name of the machine.</param>
/// <param name="Space">What its number counts in, as <see cref="ProcessSpace"/> has it.</param>
/// <param name="Started">Start of the process, as every process of the machine sees it: another process can come to have its number.</param>
internal sealed record Owner(string Id, string Host, string Space, int Process, long Started)
{
    public static Owner Me() =>
        new(Guid.NewGuid().ToString("N"), Environment.MachineName, ProcessSpace.Name, Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

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
