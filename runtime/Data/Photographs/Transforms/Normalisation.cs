using ChannelDistillation.Specs;

namespace ChannelDistillation.Data.Photographs.Transforms;

/// <summary>(value / 255 - mean) / std of three channels, as one multiplication and one addition.</summary>
internal sealed class Normalisation
{
    private readonly float[] scale = new float[3];
    private readonly float[] shift = new float[3];

    public Normalisation(NormalizationSpec spec)
    {
        if (spec.Mean.Count != 3)
        {
            throw new ArgumentException("Photographs have three channels.");
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
