using System.Security.Cryptography;

namespace ChannelDistillation.Downloads;

/// <summary>The part of a file downloaded so far. It is kept on disk, so that a later process can resume it.</summary>
internal sealed class PartialFile : IDisposable
{
    private readonly FileStream stream;

    /// <param name="path">Path of the complete file.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to open the file.</exception>
    public PartialFile(string path)
    {
        Target = path;
        stream = new($"{path}.part", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        stream.Seek(0, SeekOrigin.End);
    }

    public string Target { get; }

    public long Length => stream.Length;

    /// <summary>Whether its bytes come from several responses, which may not match.</summary>
    public bool IsPatched { get; private set; }

    /// <summary>Marks that the next response continues this file.</summary>
    public void Continue() => IsPatched |= Length > 0;

    public void Restart()
    {
        stream.SetLength(0);
        stream.Seek(0, SeekOrigin.Begin);
        IsPatched = false;
    }

    /// <exception cref="MissingException">The disk is full or fails.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            stream.Write(bytes);
        }
        catch (IOException error)
        {
            throw DownloadProblems.Unwritable(Target, error);
        }
    }

    /// <returns>64 lower-case hexadecimal digits.</returns>
    public string Sha256()
    {
        stream.Seek(0, SeekOrigin.Begin);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Flushes the file to disk and renames it to its final name.</summary>
    public void Complete()
    {
        stream.Flush(flushToDisk: true);
        stream.Dispose();
        File.Move(stream.Name, Target, overwrite: true);
    }

    public void Discard()
    {
        stream.Dispose();
        File.Delete(stream.Name);
    }

    public void Dispose()
    {
        stream.Dispose();
        if (File.Exists(stream.Name) && new FileInfo(stream.Name).Length == 0)
            File.Delete(stream.Name);
    }
}
