using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Core;

/// <summary>
/// Opens untrusted files. Pipes and devices are refused, because opening or reading them may block forever. At most the length at opening is read,
/// so that a growing file cannot block its reader.
/// </summary>
public static class InputFile
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Why a path cannot be opened as a file: "it is a pipe, not a file"; null if no reason is known.</summary>
    public static string? ReasonNotReadable(string path) =>
        Directory.Exists(path) ? "it is a folder"
        : !File.Exists(path) ? "it does not exist"
        : IsBrokenLink(path) ? $"it is a link to {new FileInfo(path).LinkTarget}, which does not exist"
        : UnixFiles.SpecialKind(path) is string kind ? $"it is {kind}, not a file"
        : null;

    /// <summary>Why reading a file failed, as a clause without the file's name.</summary>
    public static string Reason(string path, Exception error) =>
        ReasonNotReadable(path) ?? (error is UnauthorizedAccessException ? "permission denied" : error.Message.TrimEnd('.'));

    /// <exception cref="IOException">It does not exist, is not a file, or cannot be read.</exception>
    public static SafeFileHandle Open(string path, FileOptions options = FileOptions.None) =>
        UnixFiles.SpecialKind(path) is string kind
            ? throw new IOException($"'{path}' is {kind}, not a file.")
            : File.OpenHandle(path, options: options);

    /// <summary>As <see cref="Open"/>, as a stream.</summary>
    /// <exception cref="IOException">As <see cref="Open"/>.</exception>
    public static FileStream OpenStream(string path) => new(Open(path, FileOptions.SequentialScan), FileAccess.Read);

    /// <summary>The whole content of a file.</summary>
    /// <param name="limit">Maximum number of bytes.</param>
    /// <exception cref="IOException">As <see cref="Open"/>, or the file has more bytes.</exception>
    public static byte[] ReadAll(string path, int limit)
    {
        using SafeFileHandle file = Open(path);
        long length = RandomAccess.GetLength(file);
        if (length > limit)
            throw new IOException($"'{path}' has {length:N0} bytes; the limit is {limit:N0}.");
        byte[] content = new byte[length];
        Fill(file, 0, content);
        return content;
    }

    /// <summary>Length and SHA-256 (64 lower-case hexadecimal digits) of a file.</summary>
    /// <exception cref="IOException">As <see cref="Open"/>, or the file changed while it was read.</exception>
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

    /// <summary>Whether a path is a link that exists for .NET while its target does not.</summary>
    private static bool IsBrokenLink(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true) is { Exists: false };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A cycle, or a target without permission; reading it reports that.
            return false;
        }
    }

    /// <summary>Fills a buffer from a position of a file.</summary>
    /// <exception cref="EndOfStreamException">The file ends too early.</exception>
    public static void Fill(SafeFileHandle file, long position, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            int read = RandomAccess.Read(file, destination, position);
            if (read == 0)
                throw new EndOfStreamException("The file was truncated while it was being read.");
            destination = destination[read..];
            position += read;
        }
    }
}
