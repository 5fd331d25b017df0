using System.Buffers.Binary;
using System.IO.Hashing;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Grey PNG files of 16 bits, of which Skia keeps the upper 8. Called grey with transparency of 8 bits, which has its bytes in the same
/// places, such a file gives both: the upper byte as its grey, the lower one as its transparency.
/// </summary>
internal static unsafe class GreyPng
{
    private const byte Grey = 0;
    private const byte GreyWithTransparency = 4;

    // Signature, length and name of the first chunk, width, height; then bits per sample and kind of colour, and three more bytes before the checksum.
    private const int Name = 12;
    private const int Bits = 24;
    private const int Colour = 25;
    private const int Checksum = 29;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public static bool IsOf16Bits(ReadOnlySpan<byte> file) =>
        file.Length > Checksum + sizeof(uint) && file.StartsWith(Signature) && file[Bits] == 16 && file[Colour] == Grey;

    /// <summary>Whether a PNG file has 16 bits per channel, grey or not; its beginning is enough.</summary>
    public static bool HasManyBits(ReadOnlySpan<byte> file) => file.Length > Colour && file.StartsWith(Signature) && file[Bits] == 16;

    /// <summary>The same file under its other name.</summary>
    public static byte[] WithTransparency(ReadOnlySpan<byte> file)
    {
        var renamed = file.ToArray();
        renamed[Bits] = 8;
        renamed[Colour] = GreyWithTransparency;
        BinaryPrimitives.WriteUInt32BigEndian(renamed.AsSpan(Checksum), Crc32.HashToUInt32(renamed.AsSpan(Name..Checksum)));
        return renamed;
    }

    /// <summary>From upper and lower bytes to what Pillow makes of them: values above 255 are cut off there.</summary>
    public static void CutOff(Span<byte> pixels)
    {
        for (var i = 0; i + 3 < pixels.Length; i += 4)
        {
            var value = pixels[i] == 0 ? pixels[i + 3] : byte.MaxValue;
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (value, value, value);
        }
    }
}
