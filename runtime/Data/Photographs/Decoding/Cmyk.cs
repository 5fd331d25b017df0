namespace ChannelDistillation.Data.Photographs.Decoding;

/// <summary>
/// CMYK to RGB as Pillow does it: no colour profile, and every CMYK JPEG taken for an inverted one, as Adobe's programs write them
/// (and nearly nobody else writes any).
/// </summary>
internal static class Cmyk
{
    /// <summary>Four bytes per pixel, replaced by red, green, blue and one that means nothing.</summary>
    public static void ToRgb(Span<byte> pixels)
    {
        for (var i = 0; i + 3 < pixels.Length; i += 4)
        {
            // Inverted, so that black is what is left of white.
            var white = pixels[i + 3];
            pixels[i] = Mixed(pixels[i], white);
            pixels[i + 1] = Mixed(pixels[i + 1], white);
            pixels[i + 2] = Mixed(pixels[i + 2], white);
        }
    }

    /// <summary>white - ink x white / 255, the product rounded as Pillow rounds it.</summary>
    private static byte Mixed(byte inverted, byte white)
    {
        var product = (255 - inverted) * white + 128;
        return (byte)(white - (((product >> 8) + product) >> 8));
    }
}
