using ChannelDistillation.Specs;

namespace ChannelDistillation.Imaging;

/// <summary>A decoded image in memory owned by others: red, green and blue as bytes. Valid as long as that memory.</summary>
/// <param name="First">Address of the top left pixel.</param>
/// <param name="BytesPerPixel">3, or 4 with an unused byte. With 3, the byte after the last pixel is readable too.</param>
internal readonly unsafe record struct Pixels(nint First, int Width, int Height, int BytesPerPixel)
{
    public long Stride => (long)Width * BytesPerPixel;

    public byte* At(int x, int y) => (byte*)First + y * Stride + x * BytesPerPixel;
}

/// <summary>(value / 255 - mean) / std of three channels, as one multiplication and one addition.</summary>
internal sealed class Normalisation
{
    private readonly float[] scale = new float[3];
    private readonly float[] shift = new float[3];

    public Normalisation(NormalizationSpec spec)
    {
        if (spec.Mean.Count != 3)
        {
            throw new ArgumentException("Images must have three channels.");
        }

        for (var channel = 0; channel < 3; channel++)
        {
            scale[channel] = (float)(1 / (255 * spec.Std[channel]));
            shift[channel] = (float)(-spec.Mean[channel] / spec.Std[channel]);
        }
    }

    public ReadOnlySpan<float> Scale => scale;

    public ReadOnlySpan<float> Shift => shift;
}
