using System.Security.Cryptography;

namespace ChannelDistillation.Downloads;

/// <summary>What has come of a file so far. It outlives the process, so that a later one goes on from there.</summary>
internal sealed class PartialFile : IDisposable
{
    private readonly FileStream stream;

    /// <param name="path">Of the file when it is whole.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be opened.</exception>
    public PartialFile(string path)
    {
        Target = path;
        stream = new($"{path}.part", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        stream.Seek(0, SeekOrigin.End);
    }

    public string Target { get; }

    public long Length => stream.Length;

    /// <summary>Whether its bytes are from more than one answer of the server: then they may not belong together.</summary>
    public bool IsPatched { get; private set; }

    /// <summary>The next answer goes on where this file ends.</summary>
    public void GoOn() => IsPatched |= Length > 0;

    public void StartAnew()
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

    /// <returns>64 hexadecimal digits in lower case.</returns>
    public string Sha256()
    {
        stream.Seek(0, SeekOrigin.Begin);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>Gives it its name, all of it on the disk first.</summary>
    public void Keep()
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
