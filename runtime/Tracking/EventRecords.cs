using System.Buffers.Binary;
using System.Numerics;

namespace ChannelDistillation.Tracking;

/// <summary>
/// The format of TensorBoard's event files (TensorFlow, `lib/io/record_writer.h`): each record is its length (8 bytes, little-endian),
/// the masked CRC-32C of these bytes, the data, and the masked CRC-32C of the data.
/// </summary>
internal static class EventRecords
{
    private const int HeadLength = 12;
    private const int CrcLength = 4;

    /// <summary>The record with the given data.</summary>
    public static byte[] Framed(ReadOnlySpan<byte> data)
    {
        byte[] record = new byte[HeadLength + data.Length + CrcLength];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), Masked(record.AsSpan(0, 8)));
        data.CopyTo(record.AsSpan(HeadLength));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(HeadLength + data.Length), Masked(data));
        return record;
    }

    /// <summary>Data of the records of a file, up to the first one that is damaged or truncated.</summary>
    /// <returns>The data, and whether the whole file was read.</returns>
    public static (IReadOnlyList<byte[]> Data, bool IsIntact) Read(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        var found = new List<byte[]>();
        int at = 0;
        while (Next(bytes.AsSpan(at)) is byte[] data)
        {
            found.Add(data);
            at += HeadLength + data.Length + CrcLength;
        }
        return (found, at == bytes.Length);
    }

    private static byte[]? Next(ReadOnlySpan<byte> rest)
    {
        if (rest.Length < HeadLength + CrcLength || BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]) != Masked(rest[..8]))
            return null;
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(rest);
        if (length > (ulong)(rest.Length - HeadLength - CrcLength))
            return null;
        ReadOnlySpan<byte> data = rest.Slice(HeadLength, (int)length);
        return BinaryPrimitives.ReadUInt32LittleEndian(rest[(HeadLength + (int)length)..]) == Masked(data) ? data.ToArray() : null;
    }

    /// <summary>CRC-32C (Castagnoli), rotated by 15 bits and offset, so that data containing CRCs still have a strong CRC.</summary>
    internal static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte next in data)
            crc = BitOperations.Crc32C(crc, next);
        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }
}
