using SkiaSharp;

namespace ChannelDistillation.Imaging;

/// <summary>Skia, which is part of TorchSharp: decodes PNG, GIF, WebP and BMP, and JPEG on systems without libjpeg-turbo.</summary>
internal static unsafe class SkiaDecoder
{
    // Behind the signature, the first chunk's length and name, and width and height: bits per sample and colour type.
    private const int PngBits = 24;
    private const int PngColour = 25;
    private const byte PngGrey = 0;

    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes to four bytes per pixel. Transparency is dropped, not shown against a background; colour profiles are ignored.</summary>
    /// <exception cref="ImageException">It cannot be decoded.</exception>
    public static Pixels Decode(ReadOnlySpan<byte> file, NativeBuffer target)
    {
        return With(
            file,
            codec =>
            {
                var (width, height) = (codec.Info.Width, codec.Info.Height);
                var pixels = (nint)target.AtLeast(4L * width * height);
                var result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul), pixels);
                return result switch
                {
                    SKCodecResult.Success => new Pixels(pixels, width, height, 4),
                    SKCodecResult.IncompleteInput => throw new ImageException("it is truncated"),
                    _ => throw new ImageException($"it cannot be decoded ({result})"),
                };
            }
        );
    }

    /// <summary>Checks a file's header.</summary>
    /// <exception cref="ImageException">It is not an image, or too large.</exception>
    public static void Examine(ReadOnlySpan<byte> file) => With(file, codec => codec.Info);

    private static T With<T>(ReadOnlySpan<byte> file, Func<SKCodec, T> act)
    {
        fixed (byte* data = file)
        {
            if (Unsupported(file) is { } format)
                throw new ImageException($"{format} images are not supported; convert it to 8-bit PNG");
            using var held = SKData.Create((nint)data, file.Length);
            using var codec = SKCodec.Create(held) ?? throw new ImageException("it is not a JPEG, PNG, GIF, WebP or BMP image");
            ImageSize.Check(codec.Info.Width, codec.Info.Height);
            return act(codec);
        }
    }

    /// <summary>The format of an image file that torchvision reads and this decoder does not; null: another one.</summary>
    /// <param name="start">The file, or at least its first 26 bytes.</param>
    public static string? Unsupported(ReadOnlySpan<byte> start) =>
        start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8) ? "TIFF"
        : start.StartsWith("P5"u8) || start.StartsWith("P6"u8) ? "PGM and PPM"
        // Skia keeps the upper 8 bits of grey values, Pillow cuts them off at 255.
        : HasManyBits(start) && start[PngColour] == PngGrey ? "16-bit grey PNG"
        : null;

    /// <summary>Whether a PNG file has 16 bits per channel.</summary>
    /// <inheritdoc cref="Unsupported"/>
    public static bool HasManyBits(ReadOnlySpan<byte> start) => start.Length > PngColour && start.StartsWith(PngSignature) && start[PngBits] == 16;
}
