using ChannelDistillation.Core;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Picture files to pixels as Pillow's `Image.open(file).convert("RGB")` gives them: by content and not by name, EXIF orientation and
/// colour profiles ignored, grey repeated, transparency dropped. For one thread at a time.
/// </summary>
/// <param name="system">The system's libjpeg-turbo; null: JPEG files are decoded by SkiaDecoder.</param>
internal sealed unsafe class ImageDecoder(TurboJpeg? system) : IDisposable
{
    private readonly NativeBuffer pixels = new();

    public ImageDecoder()
        : this(TurboJpeg.Create()) { }

    /// <summary>What decodes JPEG files on this machine, for records.</summary>
    public static string JpegLibrary => TurboJpeg.IsThere ? "libjpeg-turbo" : "Skia";

    /// <summary>What to say where decoding could be faster; null: it could not.</summary>
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
    /// <exception cref="ImageException">It is no picture, or it is not whole.</exception>
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

    /// <summary>Looks at what a file says of itself, without decoding it.</summary>
    /// <exception cref="ImageException">It is no image, asks for too much, or can be seen not to be whole.</exception>
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
        if (!header.IsWhole(file))
        {
            throw new ImageException("it ends before the picture does");
        }

        if (header.Scans(file) is > FileLimits.JpegScans and var scans)
        {
            throw new ImageException($"it draws its pixels {scans} times; at most {FileLimits.JpegScans} scans are read");
        }

        return header;
    }

    public void Dispose()
    {
        system?.Dispose();
        pixels.Dispose();
    }
}

/// <summary>Guards against a small file that claims to be an enormous picture.</summary>
internal static class ImageSize
{
    /// <exception cref="ImageException">Nothing, or too much to be a photograph.</exception>
    public static void Check(int width, int height)
    {
        if (width < 1 || height < 1)
        {
            throw new ImageException($"it says that it is {width}x{height} pixels");
        }

        if ((long)width * height > FileLimits.ImagePixels)
        {
            throw new ImageException(
                $"it says that it is {width}x{height} pixels; images of up to {FileLimits.ImagePixels / 1_000_000} megapixels are read"
            );
        }
    }
}

/// <summary>A file is no picture that can be read.</summary>
/// <param name="reason">What is wrong, as a clause: "it ends before the picture does".</param>
internal sealed class ImageException(string reason, Exception? inner = null) : Exception(reason, inner);
