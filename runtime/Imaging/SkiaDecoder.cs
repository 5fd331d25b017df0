using SkiaSharp;

namespace ChannelDistillation.Imaging;

/// <summary>Skia, which is part of TorchSharp: decodes PNG, GIF, WebP and BMP, and JPEG on systems without libjpeg-turbo.</summary>
internal static unsafe class SkiaDecoder
{
    /// <summary>Decodes to four bytes per pixel. Transparency is dropped, not blended with a background; colour profiles are ignored.</summary>
    /// <exception cref="ImageException">It cannot be decoded.</exception>
    public static Pixels Decode(ReadOnlySpan<byte> file, NativeBuffer target)
    {
        if (GreyPng.IsOf16Bits(file))
        {
            var grey = Decode(GreyPng.WithTransparency(file), target);
            GreyPng.CutOff(new Span<byte>((byte*)grey.First, checked(4 * grey.Width * grey.Height)));
            return grey;
        }

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
            using var held = SKData.Create((nint)data, file.Length);
            using var codec =
                SKCodec.Create(held)
                ?? throw new ImageException(
                    IsTiff(file) ? "TIFF is not supported; convert it to PNG" : "it is not a JPEG, PNG, GIF, WebP, BMP, PPM or PGM image"
                );
            ImageSize.Check(codec.Info.Width, codec.Info.Height);
            return act(codec);
        }
    }

    public static bool IsTiff(ReadOnlySpan<byte> file) => file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8);
}
