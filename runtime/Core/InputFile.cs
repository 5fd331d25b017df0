using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Core;

/// <summary>
/// Opens files that others wrote. Pipes and devices are refused: opening or reading them may never end. No more is read than a file had when it
/// was opened, so that one which grows meanwhile cannot hold its reader either.
/// </summary>
public static class InputFile
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Why a path cannot be opened as a file: "it is a pipe, not a file"; null: nothing speaks against it.</summary>
    public static string? WhyNot(string path) =>
        Directory.Exists(path) ? "it is a folder"
        : !File.Exists(path) ? "it is not there"
        : LeadsNowhere(path) ? $"it is a link to {new FileInfo(path).LinkTarget}, which is not there"
        : UnixFiles.SpecialKind(path) is string kind ? $"it is {kind}, not a file"
        : null;

    /// <summary>Why reading a file has failed, as a clause without its name.</summary>
    public static string Reason(string path, Exception error) =>
        WhyNot(path) ?? (error is UnauthorizedAccessException ? "this account may not read it" : error.Message.TrimEnd('.'));

    /// <exception cref="IOException">It is not there, no file, or cannot be read; so does UnauthorizedAccessException.</exception>
    public static SafeFileHandle Open(string path, FileOptions options = FileOptions.None) =>
        UnixFiles.SpecialKind(path) is string kind
            ? throw new IOException($"'{path}' is {kind}, not a file.")
            : File.OpenHandle(path, options: options);

    /// <summary>The same as a stream.</summary>
    /// <exception cref="IOException">As <see cref="Open"/>.</exception>
    public static FileStream OpenStream(string path) => new(Open(path, FileOptions.SequentialScan), FileAccess.Read);

    /// <summary>All of a file.</summary>
    /// <param name="most">Bytes that it may have.</param>
    /// <exception cref="IOException">As <see cref="Open"/>, or it has more bytes.</exception>
    public static byte[] ReadAll(string path, int most)
    {
        using SafeFileHandle file = Open(path);
        long length = RandomAccess.GetLength(file);
        if (length > most)
            throw new IOException($"'{path}' has {length:N0} bytes; {most:N0} are allowed.");
        byte[] content = new byte[length];
        Fill(file, 0, content);
        return content;
    }

    /// <summary>Length and SHA-256 (64 hexadecimal digits in lower case).</summary>
    /// <exception cref="IOException">As <see cref="Open"/>, or it has changed meanwhile.</exception>
    public static (long Bytes, string Sha256) Digest(string path)
    {
        using SafeFileHandle file = Open(path, FileOptions.SequentialScan);
        long length = RandomAccess.GetLength(file);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        for (long done = 0; done < length; done += chunk.Length)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, length - done));
            Fill(file, done, part);
            hash.AppendData(part);
        }
        return (length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>A link of which .NET says that it exists, and its target does not.</summary>
    private static bool LeadsNowhere(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true) is { Exists: false };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It leads back to itself, or to where this account may not look; reading it says so.
            return false;
        }
    }

    /// <summary>Reads so many bytes from a place.</summary>
    /// <exception cref="EndOfStreamException">The file ends before them.</exception>
    public static void Fill(SafeFileHandle file, long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(file, destination, position);
            if (read == 0)
                throw new EndOfStreamException("The file became shorter while it was read.");
            destination = destination[read..];
            position += read;
        }
    }
}
