using System.Runtime.InteropServices;

namespace ChannelDistillation.Imaging;

/// <summary>
/// The system's libjpeg-turbo, through its TurboJPEG interface (functions in all versions from 1.2 to 3). Decodes with the
/// library's accurate settings, which Pillow also uses: slow integer DCT, smooth chroma upsampling.
/// </summary>
internal sealed unsafe class TurboJpeg : IDisposable
{
    private const int FormatRgbx = 2;
    private const int FormatCmyk = 11;
    private const int Warning = 0;
    private static readonly Library? Found = Library.Find();
    private nint decoder;

    private TurboJpeg(nint decoder) => this.decoder = decoder;

    /// <summary>Whether this machine has the library.</summary>
    public static bool IsAvailable => Found is not null;

    /// <summary>Creates a decoder, which is not thread-safe; null if the library is not installed.</summary>
    public static TurboJpeg? Create() => Found is null ? null : new(Found.Init());

    /// <summary>Decodes to four bytes per pixel.</summary>
    /// <param name="target">4 x width x height bytes.</param>
    /// <exception cref="ImageException">It cannot be decoded.</exception>
    public void Decode(ReadOnlySpan<byte> file, JpegHeader header, byte* target)
    {
        var isCmyk = header.Components == 4;
        int result;
        fixed (byte* data = file)
        {
            result = Found!.Decompress(
                decoder,
                data,
                new CULong((nuint)file.Length),
                target,
                header.Width,
                4 * header.Width,
                header.Height,
                isCmyk ? FormatCmyk : FormatRgbx,
                0
            );
        }

        // Images with small errors are used as far as the library could decode them, as in other programs.
        if (result != 0 && Found.ErrorCode(decoder) != Warning)
        {
            throw new ImageException($"libjpeg: {Marshal.PtrToStringUTF8(Found.ErrorText(decoder))}");
        }

        if (isCmyk)
        {
            Cmyk.ToRgb(new Span<byte>(target, checked(4 * header.Width * header.Height)));
        }
    }

    public void Dispose()
    {
        if (decoder != 0)
        {
            Found!.Destroy(decoder);
            decoder = 0;
        }
    }

    private sealed class Library
    {
        private static readonly string[] Names =
            OperatingSystem.IsWindows() ? ["turbojpeg.dll", "libturbojpeg.dll"]
            : OperatingSystem.IsMacOS() ? ["libturbojpeg.dylib", "/opt/homebrew/lib/libturbojpeg.dylib", "/usr/local/lib/libturbojpeg.dylib"]
            : ["libturbojpeg.so.0", "libturbojpeg.so"];

        public required delegate* unmanaged<nint> Init { get; init; }

        public required delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int> Decompress { get; init; }

        public required delegate* unmanaged<nint, int> ErrorCode { get; init; }

        public required delegate* unmanaged<nint, nint> ErrorText { get; init; }

        public required delegate* unmanaged<nint, int> Destroy { get; init; }

        public static Library? Find()
        {
            foreach (var name in Names)
            {
                if (
                    NativeLibrary.TryLoad(name, out var library)
                    && NativeLibrary.TryGetExport(library, "tjInitDecompress", out var init)
                    && NativeLibrary.TryGetExport(library, "tjDecompress2", out var decompress)
                    && NativeLibrary.TryGetExport(library, "tjGetErrorCode", out var errorCode)
                    && NativeLibrary.TryGetExport(library, "tjGetErrorStr2", out var errorText)
                    && NativeLibrary.TryGetExport(library, "tjDestroy", out var destroy)
                )
                {
                    return new()
                    {
                        Init = (delegate* unmanaged<nint>)init,
                        Decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)decompress,
                        ErrorCode = (delegate* unmanaged<nint, int>)errorCode,
                        ErrorText = (delegate* unmanaged<nint, nint>)errorText,
                        Destroy = (delegate* unmanaged<nint, int>)destroy,
                    };
                }
            }

            return null;
        }
    }
}

/// <summary>
/// CMYK to RGB as in Pillow: no colour profile, and every CMYK JPEG is assumed to be inverted, as Adobe's programs write them
/// (and few others write any).
/// </summary>
internal static class Cmyk
{
    /// <summary>Replaces four bytes per pixel by red, green, blue and an unused byte.</summary>
    public static void ToRgb(Span<byte> pixels)
    {
        for (var i = 0; i + 3 < pixels.Length; i += 4)
        {
            // Inverted: white minus black.
            var white = pixels[i + 3];
            pixels[i] = Mixed(pixels[i], white);
            pixels[i + 1] = Mixed(pixels[i + 1], white);
            pixels[i + 2] = Mixed(pixels[i + 2], white);
        }
    }

    /// <summary>white - ink x white / 255, rounded as in Pillow.</summary>
    private static byte Mixed(byte inverted, byte white)
    {
        var product = (255 - inverted) * white + 128;
        return (byte)(white - (((product >> 8) + product) >> 8));
    }
}
