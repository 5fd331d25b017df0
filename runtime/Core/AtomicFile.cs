using System.Diagnostics;
using System.Text;

namespace ChannelDistillation.Core;

/// <summary>Files that are there whole or not at all: written beside, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    private const string Ending = ".tmp";

    /// <summary>Told of each file of a run as it is written, and of its name as it is renamed into place. Tests make writing fail there; null: nobody is told.</summary>
    internal static Action<string>? Writing { get; set; }

    /// <param name="write">To a stream that can seek.</param>
    /// <param name="previous">Where the file that was there before is kept; null: nowhere.</param>
    public static void Write(string path, Action<Stream> write, string? previous = null)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string beside = Beside(path);
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                Writing?.Invoke(beside);
                stream.Flush(flushToDisk: true);
            }
            // Between the two the file is missing; who reads it takes the previous one then.
            if (previous is not null && File.Exists(path))
                File.Move(path, previous, overwrite: true);
            Writing?.Invoke(path);
            File.Move(beside, path, overwrite: true);
            UnixFiles.FlushFolder(folder);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>A name for a file that is there for a moment: if this process is killed in it, <see cref="RemoveAbandoned"/> knows it.</summary>
    public static string Beside(string path) => $"{path}{Mine}{Environment.ProcessId}-{Path.GetRandomFileName()}{Ending}";

    private static string Mine => $".{Environment.MachineName}-{ProcessSpace.Short}-";

    /// <summary>Removes what processes of this machine, or of this container of it, left directly in a folder and that are gone; others may write there.</summary>
    public static void RemoveAbandoned(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, $"*{Mine}*{Ending}"))
        {
            string rest = file[(file.LastIndexOf(Mine, StringComparison.Ordinal) + Mine.Length)..];
            if (int.TryParse(rest.Split('-')[0], out int process) && !IsRunning(process))
                File.Delete(file);
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using Process running = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Removes what a process left that was killed while it wrote. Only for folders that nobody else writes to.</summary>
    public static void RemoveUnfinished(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Ending, SearchOption.AllDirectories))
            File.Delete(file);
    }
}
