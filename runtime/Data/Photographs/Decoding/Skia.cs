using SkiaSharp;

namespace ChannelDistillation.Data.Photographs.Decoding;

/// <summary>Skia, which comes with TorchSharp: reads PNG, GIF, WebP and BMP, and JPEG where the system has no libjpeg-turbo.</summary>
internal static unsafe class Skia
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Decodes to four bytes per pixel. Transparency is dropped, not shown against a background; colour profiles are ignored.</summary>
    /// <exception cref="PictureException">It cannot be decoded.</exception>
    public static Pixels Decode(ReadOnlySpan<byte> file, NativeBuffer target)
    {
        RefuseGreyOf16Bits(file);
        fixed (byte* data = file)
        {
            using var held = SKData.Create((nint)data, file.Length);
            using var codec = SKCodec.Create(held) ?? throw new PictureException("it is no JPEG, PNG, GIF, WebP or BMP picture");
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            PictureSize.Check(width, height);
            var pixels = (nint)target.AtLeast(4L * width * height);
            var result = codec.GetPixels(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul), pixels);
            return result switch
            {
                SKCodecResult.Success => new(pixels, width, height, 4),
                SKCodecResult.IncompleteInput => throw new PictureException("it ends before the picture does"),
                _ => throw new PictureException($"it cannot be decoded ({result})"),
            };
        }
    }

    /// <summary>Pillow cuts its values off at 255, so that nearly all is white, and Skia drops the lower 8 bits: neither is what anybody wants.</summary>
    private static void RefuseGreyOf16Bits(ReadOnlySpan<byte> file)
    {
        // Signature, length and name of the first chunk, width, height; then bits per sample and kind of colour.
        const int bits = 24;
        const int grey = 0;
        if (file.Length > bits + 1 && file.StartsWith(PngSignature) && file[bits] == 16 && file[bits + 1] == grey)
        {
            throw new PictureException("it is a grey PNG of 16 bits per pixel; convert it to 8");
        }
    }
}
