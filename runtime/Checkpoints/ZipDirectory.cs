using System.Buffers.Binary;
using System.Text;
using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Checkpoints;

/// <summary>
/// Positions of the entries of a zip archive (PKWARE's APPNOTE 6.3, including ZIP64). Entries are located, never unpacked: those of
/// checkpoints are stored uncompressed and read in place.
/// </summary>
internal static class ZipDirectory
{
    private const int EndLength = 22;
    private const int MaxCommentLength = ushort.MaxValue;
    private const uint Zip64Marker = uint.MaxValue;

    /// <exception cref="InvalidDataException">The message continues a sentence that begins with the file's name.</exception>
    public static IReadOnlyDictionary<string, ZipEntry> Read(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        var (start, size, count) = End(file, length);
        if (start < 0 || size < 0 || size > FileLimits.DescriptionBytes || size > length || start > length - size)
            throw Damaged();
        ReadOnlySpan<byte> directory = FileBytes.Read(file, start, (int)size);
        var entries = new Dictionary<string, ZipEntry>();
        for (long i = 0; i < count; i++)
        {
            if (directory.Length < 46 || !directory.StartsWith("PK\x01\x02"u8))
                throw Damaged();
            int nameLength = U16(directory, 28);
            int extraLength = U16(directory, 30);
            int whole = 46 + nameLength + extraLength + U16(directory, 32);
            if (directory.Length < whole)
                throw Damaged();
            string name = Encoding.UTF8.GetString(directory.Slice(46, nameLength));
            entries[name] = Entry(directory, directory.Slice(46 + nameLength, extraLength), length);
            directory = directory[whole..];
        }
        return entries;
    }

    /// <summary>Position of an entry's data, after the entry's own header, whose length differs from the directory's.</summary>
    public static long DataOf(SafeFileHandle file, ZipEntry entry)
    {
        long length = RandomAccess.GetLength(file);
        if (entry.Header > length - 30)
            throw Damaged();
        byte[] header = FileBytes.Read(file, entry.Header, 30);
        long start = entry.Header + 30 + U16(header, 26) + U16(header, 28);
        if (!header.AsSpan().StartsWith("PK\x03\x04"u8) || entry.Size > length - start)
            throw Damaged();
        return start;
    }

    private static ZipEntry Entry(ReadOnlySpan<byte> record, ReadOnlySpan<byte> extra, long length)
    {
        bool stored = U16(record, 10) == 0 && (U16(record, 8) & 1) == 0;
        (long packed, long size, long header) = (U32(record, 20), U32(record, 24), U32(record, 42));
        ReadOnlySpan<byte> wide = Zip64(extra);
        // Contains only the values that do not fit in 32 bits, in this order.
        size = Wide(size, ref wide);
        packed = Wide(packed, ref wide);
        header = Wide(header, ref wide);
        if (size < 0 || header < 0 || (stored && (size > length || packed != size)))
            throw Damaged();
        return new(header, size, stored);
    }

    private static long Wide(long narrow, ref ReadOnlySpan<byte> wide)
    {
        if (narrow != Zip64Marker)
            return narrow;
        if (wide.Length < 8)
            throw Damaged();
        long value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        wide = wide[8..];
        return value;
    }

    private static ReadOnlySpan<byte> Zip64(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int size = Math.Min(U16(extra, 2), extra.Length - 4);
            if (U16(extra, 0) == 1)
                return extra.Slice(4, size);
            extra = extra[(4 + size)..];
        }
        return [];
    }

    /// <summary>Start, size and number of entries of the directory, from the record at the end of the file.</summary>
    private static (long Start, long Size, long Count) End(SafeFileHandle file, long length)
    {
        int tailLength = (int)Math.Min(length, EndLength + MaxCommentLength);
        ReadOnlySpan<byte> tail = FileBytes.Read(file, length - tailLength, tailLength);
        int at = tail.LastIndexOf("PK\x05\x06"u8);
        if (at < 0 || tail.Length - at < EndLength)
            throw new InvalidDataException("is truncated: the directory at its end is missing. Download or copy it again.");
        ReadOnlySpan<byte> end = tail[at..];
        (long start, long size, long count) = (U32(end, 16), U32(end, 12), U16(end, 10));
        if (at < 20 || !tail[(at - 20)..].StartsWith("PK\x06\x07"u8))
            return (start, size, count);
        long wideAt = BinaryPrimitives.ReadInt64LittleEndian(tail[(at - 12)..]);
        if (wideAt < 0 || wideAt > length - 56)
            throw Damaged();
        byte[] wide = FileBytes.Read(file, wideAt, 56);
        if (!wide.AsSpan().StartsWith("PK\x06\x06"u8))
            throw Damaged();
        return (I64(wide, 48), I64(wide, 40), I64(wide, 32));
    }

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private static InvalidDataException Damaged() => new("is a damaged zip archive. Download or copy it again.");
}

/// <param name="Header">Position of the entry's own header.</param>
/// <param name="Size">Of its content.</param>
/// <param name="Stored">Neither compressed nor encrypted.</param>
internal sealed record ZipEntry(long Header, long Size, bool Stored);
