using System.Text;

namespace ChannelDistillation.Records;

/// <summary>Files that are there whole or not at all: written beside, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    private const string Ending = ".tmp";

    /// <param name="write">To a stream that can seek.</param>
    /// <param name="previous">Where the file that was there before is kept; null: nowhere.</param>
    public static void Write(string path, Action<Stream> write, string? previous = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string beside = $"{path}.{Path.GetRandomFileName()}{Ending}";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            // Between the two the file is missing; who reads it takes the previous one then.
            if (previous is not null && File.Exists(path))
                File.Move(path, previous, overwrite: true);
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Removes what a process left that was killed while it wrote. Only for folders that nobody else writes to.</summary>
    public static void RemoveUnfinished(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Ending, SearchOption.AllDirectories))
            File.Delete(file);
    }
}
