using System.Buffers.Binary;

namespace ChannelDistillation.Imaging;

/// <summary>The header of a JPEG file (ITU-T T.81, annex B).</summary>
/// <param name="Components">1 grey, 3 colour, 4 CMYK or YCCK.</param>
/// <param name="Precision">Bits per sample.</param>
/// <param name="Scan">Position of the first compressed data.</param>
internal readonly record struct JpegHeader(int Width, int Height, int Components, int Precision, int Scan)
{
    private const byte Marker = 0xFF;
    private const byte EndOfImage = 0xD9;
    private const byte StartOfScan = 0xDA;

    public static bool IsJpeg(ReadOnlySpan<byte> file) => file is [Marker, 0xD8, Marker, ..];

    /// <summary>Whether the file contains its end marker. Compressed data never contain the marker's two bytes; earlier segments (a thumbnail) may.</summary>
    public bool IsIntact(ReadOnlySpan<byte> file) => file[Scan..].LastIndexOf([Marker, EndOfImage]) >= 0;

    /// <summary>Number of scans. Compressed data never contain the marker's two bytes.</summary>
    public int Scans(ReadOnlySpan<byte> file) => 1 + file[Scan..].Count([Marker, StartOfScan]);

    /// <exception cref="ImageException">The header cannot be read.</exception>
    public static JpegHeader Read(ReadOnlySpan<byte> file)
    {
        JpegHeader header = default;
        var position = 2;
        while (position + 4 <= file.Length)
        {
            if (file[position] != Marker || file[position + 1] == Marker)
            {
                // Fill bytes, and garbage between segments that some programs write.
                position++;
                continue;
            }

            var kind = file[position + 1];
            if (kind == 0x00 || kind == 0x01 || kind is >= 0xD0 and <= 0xD8)
            {
                position += 2;
                continue;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(position + 2)..]);
            var content = file[Math.Min(position + 4, file.Length)..];
            position += 2 + length;
            if (kind == StartOfScan && header.Components > 0 && position < file.Length)
            {
                return header with { Scan = position };
            }

            if (IsFrame(kind) && content.Length >= 6)
            {
                header = new(
                    BinaryPrimitives.ReadUInt16BigEndian(content[3..]),
                    BinaryPrimitives.ReadUInt16BigEndian(content[1..]),
                    content[5],
                    content[0],
                    0
                );
            }
        }

        throw new ImageException("it ends before its image data");
    }

    /// <summary>SOF0 to SOF15, without the tables and extensions between them.</summary>
    private static bool IsFrame(byte kind) => kind is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC);
}
