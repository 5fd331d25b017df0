using ChannelDistillation.Core;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Decodes image files to the pixels of Pillow's `Image.open(file).convert("RGB")`: the format is found from the content, EXIF orientation and
/// colour profiles are ignored, grey is repeated, transparency is dropped. Not thread-safe.
/// </summary>
/// <param name="system">The system's libjpeg-turbo; null: Skia decodes JPEG files.</param>
internal sealed unsafe class ImageDecoder(TurboJpeg? system) : IDisposable
{
    private readonly NativeBuffer pixels = new();

    public ImageDecoder()
        : this(TurboJpeg.Create()) { }

    /// <summary>The library that decodes JPEG files on this machine, for records.</summary>
    public static string JpegLibrary => TurboJpeg.IsAvailable ? "libjpeg-turbo" : "Skia";

    /// <summary>How to make decoding faster; null if it cannot be.</summary>
    /// <param name="hasLibrary">Whether the system has libjpeg-turbo.</param>
    public static string? Advice(bool hasLibrary) =>
        hasLibrary
            ? null
            : "This machine has no libjpeg-turbo, so Skia decodes JPEG files, which takes about twice as long. To install it: "
                + (
                    OperatingSystem.IsWindows() ? "docs/data.md#decoding."
                    : OperatingSystem.IsMacOS() ? "brew install jpeg-turbo (docs/data.md#decoding)."
                    : "apt install libturbojpeg0, or libturbojpeg on Ubuntu (docs/data.md#decoding)."
                );

    /// <returns>Valid until the next call.</returns>
    /// <exception cref="ImageException">It is not an image, or truncated.</exception>
    public Pixels Decode(ReadOnlySpan<byte> file)
    {
        if (!JpegHeader.IsJpeg(file))
        {
            RequireContent(file);
            return SkiaDecoder.Decode(file, pixels);
        }

        var header = JpegOf(file);
        if (system is null)
        {
            return SkiaDecoder.Decode(file, pixels);
        }

        var target = pixels.AtLeast(4L * header.Width * header.Height);
        system.Decode(file, header, target);
        return new((nint)target, header.Width, header.Height, 4);
    }

    /// <summary>Checks a file's header, without decoding the image.</summary>
    /// <exception cref="ImageException">It is not an image, too large, or visibly truncated.</exception>
    public static void Examine(ReadOnlySpan<byte> file)
    {
        RequireContent(file);
        if (JpegHeader.IsJpeg(file))
        {
            JpegOf(file);
        }
        else
        {
            SkiaDecoder.Examine(file);
        }
    }

    private static void RequireContent(ReadOnlySpan<byte> file)
    {
        if (file.IsEmpty)
        {
            throw new ImageException("it is empty");
        }
    }

    private static JpegHeader JpegOf(ReadOnlySpan<byte> file)
    {
        var header = JpegHeader.Read(file);
        ImageSize.Check(header.Width, header.Height);
        if (!header.IsIntact(file))
        {
            throw new ImageException("it is truncated");
        }

        if (header.Scans(file) is > FileLimits.JpegScans and var scans)
        {
            throw new ImageException($"it has {scans} scans; the limit is {FileLimits.JpegScans}");
        }

        return header;
    }

    public void Dispose()
    {
        system?.Dispose();
        pixels.Dispose();
    }
}

/// <summary>Guards against small files that claim to be enormous images.</summary>
internal static class ImageSize
{
    /// <exception cref="ImageException">The size is zero or too large.</exception>
    public static void Check(int width, int height)
    {
        if (width < 1 || height < 1)
        {
            throw new ImageException($"its stated size is {width}x{height} pixels");
        }

        if ((long)width * height > FileLimits.ImagePixels)
        {
            throw new ImageException($"its stated size is {width}x{height} pixels; the limit is {FileLimits.ImagePixels / 1_000_000} megapixels");
        }
    }
}

/// <summary>A file that is not a readable image.</summary>
/// <param name="reason">What is wrong, as a clause: "it is truncated".</param>
internal sealed class ImageException(string reason, Exception? inner = null) : Exception(reason, inner);
