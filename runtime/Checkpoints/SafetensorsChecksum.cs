using System.IO.Hashing;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// XXH128 over a whole safetensors file, kept in its own metadata: over everything but its own 32 digits, which count as zeros. Files of
/// other programs have none.
/// </summary>
internal static class SafetensorsChecksum
{
    public const string MetadataKey = "xxh128";
    public static readonly string Placeholder = new('0', 32);
    private const int Chunk = 1 << 20;

    /// <summary>Where the digits lie in the start of a file.</summary>
    /// <exception cref="InvalidDataException">They are not there.</exception>
    public static int PlaceIn(ReadOnlySpan<byte> start, string digits)
    {
        int key = start.IndexOf(Encoding.ASCII.GetBytes($"\"{MetadataKey}\":\"{digits}\""));
        return key >= 0 && digits.Length == Placeholder.Length
            ? key + MetadataKey.Length + 4
            : throw new InvalidDataException("is damaged: its checksum is not where it must be.");
    }

    /// <exception cref="InvalidDataException">The file is not as it was written. The message goes on a sentence that begins with its name.</exception>
    public static void Check(SafeFileHandle file, SafetensorsHeader header)
    {
        if (!header.Metadata.TryGetValue(MetadataKey, out string? digits))
            return;
        var hash = new XxHash128();
        byte[] chunk = FileBytes.Read(file, 0, (int)header.Length);
        Encoding.ASCII.GetBytes(Placeholder).CopyTo(chunk, PlaceIn(chunk, digits));
        hash.Append(chunk);
        // Its length now: a file that grows while it is read is not read for ever, and its checksum does not fit.
        long end = RandomAccess.GetLength(file);
        chunk = new byte[Chunk];
        int read = 1;
        for (long position = header.Length; position < end && read > 0; position += read)
        {
            read = RandomAccess.Read(file, chunk.AsSpan(0, (int)Math.Min(Chunk, end - position)), position);
            hash.Append(chunk.AsSpan(0, read));
        }
        if (Digits(hash) != digits)
            throw new InvalidDataException("is damaged: its checksum does not fit its content.");
    }

    public static string Digits(XxHash128 hash) => Convert.ToHexStringLower(hash.GetCurrentHash());
}
