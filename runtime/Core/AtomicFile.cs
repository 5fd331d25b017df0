using System.Diagnostics;
using System.Text;

namespace ChannelDistillation.Core;

/// <summary>Writes files atomically: to a temporary name, flushed to disk, then renamed.</summary>
public static class AtomicFile
{
    private const string Extension = ".tmp";

    /// <summary>Called with each file's path as it is written, and with its final name as it is renamed. Tests use it to make writing fail.</summary>
    internal static Action<string>? Writing { get; set; }

    /// <param name="write">Receives a seekable stream.</param>
    /// <param name="previous">Where to keep the file that is replaced; null: it is not kept.</param>
    /// <param name="check">Called with the complete temporary file; if it throws, that file is removed and <paramref name="path"/> stays as it was.</param>
    public static void Write(string path, Action<Stream> write, string? previous = null, Action<string>? check = null)
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
            check?.Invoke(beside);
            // Between the two renames the file is missing; readers then use the previous one.
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

    /// <summary>A name for a short-lived temporary file. If this process is killed, <see cref="RemoveAbandoned"/> recognises the file.</summary>
    public static string Beside(string path) => $"{path}{ProcessTag}{Environment.ProcessId}-{Path.GetRandomFileName()}{Extension}";

    private static string ProcessTag => $".{Environment.MachineName}-{ProcessNamespace.Short}-";

    /// <summary>Removes temporary files left directly in a folder by ended processes of this machine or container. Other processes may be writing there.</summary>
    public static void RemoveAbandoned(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, $"*{ProcessTag}*{Extension}"))
        {
            string rest = file[(file.LastIndexOf(ProcessTag, StringComparison.Ordinal) + ProcessTag.Length)..];
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

    /// <summary>Removes the temporary files of a process that was killed while writing. Only for folders that no other process writes to.</summary>
    public static void RemoveUnfinished(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Extension, SearchOption.AllDirectories))
            File.Delete(file);
    }
}
