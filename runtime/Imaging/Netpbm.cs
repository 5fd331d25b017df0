namespace ChannelDistillation.Imaging;

/// <summary>
/// PPM and PGM files in their binary kinds (P6 and P5 of Netpbm), of 8 or 16 bits. Values are scaled and rounded as Pillow does: colours to 255,
/// grey of more than 8 bits to 65535 and then cut off at 255.
/// </summary>
internal static unsafe class Netpbm
{
    private const int MostDigits = 10;

    public static bool Is(ReadOnlySpan<byte> file) =>
        file is [(byte)'P', (byte)'5' or (byte)'6', (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r', ..];

    /// <summary>Decodes to four bytes per pixel.</summary>
    /// <exception cref="ImageException">It cannot be decoded.</exception>
    public static Pixels Decode(ReadOnlySpan<byte> file, NativeBuffer target)
    {
        var (width, height, largest) = Header(file, out ReadOnlySpan<byte> samples);
        var channels = Channels(file);
        var bytes = BytesOf(largest);
        var values = (long)channels * width * height;
        var scaled = Scaled(largest, channels == 1 && bytes == 2 ? ushort.MaxValue : byte.MaxValue);
        var pixels = target.AtLeast(4L * width * height);
        for (int from = 0, to = 0; from < values; to += 4)
        {
            for (var channel = 0; channel < 3; channel++)
            {
                var sample = from + (channels == 1 ? 0 : channel);
                var value = bytes == 1 ? samples[sample] : (samples[2 * sample] << 8) | samples[2 * sample + 1];
                pixels[to + channel] = scaled[Math.Min(value, largest)];
            }

            from += channels;
        }

        return new((nint)pixels, width, height, 4);
    }

    /// <exception cref="ImageException">It is too large, or ends too early.</exception>
    public static void Examine(ReadOnlySpan<byte> file) => Header(file, out _);

    /// <summary>Whether values go beyond 8 bits; the beginning of a file is enough.</summary>
    public static bool HasManyBits(ReadOnlySpan<byte> start)
    {
        try
        {
            return Is(start) && Numbers(start, out _).Largest > byte.MaxValue;
        }
        catch (ImageException)
        {
            return false;
        }
    }

    private static int Channels(ReadOnlySpan<byte> file) => file[1] == '5' ? 1 : 3;

    private static int BytesOf(int largest) => largest > byte.MaxValue ? 2 : 1;

    private static (int Width, int Height, int Largest) Numbers(ReadOnlySpan<byte> file, out int position)
    {
        position = 2;
        return (Number(file, ref position), Number(file, ref position), Number(file, ref position));
    }

    private static (int Width, int Height, int Largest) Header(ReadOnlySpan<byte> file, out ReadOnlySpan<byte> samples)
    {
        var (width, height, largest) = Numbers(file, out int position);
        ImageSize.Check(width, height);
        if (largest is < 1 or > ushort.MaxValue)
        {
            throw new ImageException($"it says that its largest value is {largest}");
        }

        // One byte of white space ends the header.
        samples = file[Math.Min(position + 1, file.Length)..];
        if (samples.Length < (long)BytesOf(largest) * Channels(file) * width * height)
        {
            throw new ImageException("it ends before the picture does");
        }

        return (width, height, largest);
    }

    /// <summary>What each value becomes.</summary>
    private static byte[] Scaled(int largest, int white) =>
        [.. Enumerable.Range(0, largest + 1).Select(value => (byte)Math.Min(byte.MaxValue, Math.Round((double)value / largest * white)))];

    /// <summary>The next number of the header; white space and comments come before it.</summary>
    private static int Number(ReadOnlySpan<byte> file, ref int position)
    {
        for (; position < file.Length && !char.IsAsciiDigit((char)file[position]); position++)
        {
            if (file[position] == '#')
            {
                var line = file[position..].IndexOf((byte)'\n');
                position = line < 0 ? file.Length - 1 : position + line;
            }
            else if (!char.IsWhiteSpace((char)file[position]))
            {
                throw new ImageException("its header is no PPM or PGM header");
            }
        }

        var first = position;
        while (position < file.Length && char.IsAsciiDigit((char)file[position]))
        {
            position++;
        }

        return position - first <= MostDigits && int.TryParse(file[first..position], out var number)
            ? number
            : throw new ImageException("its header is no PPM or PGM header");
    }
}
