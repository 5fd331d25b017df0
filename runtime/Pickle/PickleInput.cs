using System.Buffers.Binary;
using System.Text;
using ChannelDistillation.Core;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Pickle;

/// <summary>Reads the bytes of one or more pickles within a file. A stated length is never trusted before the bytes have been read.</summary>
/// <param name="start">Where the pickles begin in the file.</param>
/// <param name="end">Upper bound of where they end.</param>
/// <param name="maxBytes">Maximum number of bytes. In a checkpoint pickles contain names and shapes, never tensor data.</param>
internal sealed class PickleInput(SafeFileHandle file, long start, long end, long maxBytes = FileLimits.DescriptionBytes)
{
    private readonly long limit = Math.Min(end, start + maxBytes);
    private readonly byte[] buffer = new byte[1 << 14];
    private long bufferStart = start;
    private int buffered;

    /// <summary>Position of the next byte in the file.</summary>
    public long Position { get; private set; } = start;

    public int Byte() => Next(stackalloc byte[1])[0];

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Next(stackalloc byte[2]));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Next(stackalloc byte[4]));

    public long UInt32() => (uint)Int32();

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Next(stackalloc byte[8]));

    public double BigEndianDouble() => BinaryPrimitives.ReadDoubleBigEndian(Next(stackalloc byte[8]));

    public byte[] Bytes(long count)
    {
        if (count < 0 || count > limit - Position)
            throw EndsTooEarly();
        byte[] bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    public string Utf8(long count) => Encoding.UTF8.GetString(Bytes(count));

    public string Latin1(long count) => Encoding.Latin1.GetString(Bytes(count));

    /// <summary>Reads up to the next line feed, which is consumed but not returned.</summary>
    public string Line()
    {
        var line = new StringBuilder();
        for (int letter = Byte(); letter != '\n'; letter = Byte())
        {
            if (line.Length == FileLimits.NameLength)
                throw new InvalidDataException("is damaged: it contains a name of more than 1000 characters.");
            line.Append((char)letter);
        }
        return line.ToString();
    }

    /// <returns>The given span, filled.</returns>
    private ReadOnlySpan<byte> Next(Span<byte> room)
    {
        Fill(room);
        return room;
    }

    private void Fill(Span<byte> bytes)
    {
        if (bytes.Length > limit - Position)
            throw EndsTooEarly();
        while (bytes.Length > 0)
        {
            if (Position == bufferStart + buffered)
            {
                bufferStart = Position;
                buffered = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, limit - Position)), Position);
                if (buffered == 0)
                    throw EndsTooEarly();
            }
            ReadOnlySpan<byte> there = buffer.AsSpan((int)(Position - bufferStart), Math.Min(bytes.Length, (int)(bufferStart + buffered - Position)));
            there.CopyTo(bytes);
            bytes = bytes[there.Length..];
            Position += there.Length;
        }
    }

    private InvalidDataException EndsTooEarly() =>
        limit < end
            ? new("contains more than 64 MiB of values other than tensors, such as numpy arrays, which is the limit.")
            : new("is damaged or truncated: the description of its tensors ends too early. Download or copy it again.");
}
