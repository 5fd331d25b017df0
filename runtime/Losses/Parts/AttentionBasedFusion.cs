using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// One level of knowledge review (arXiv 2104.09044, section 3.3): the student's stage, mapped to a common width, and the output of the deeper
/// levels are added, each multiplied by an attention map computed from both; a 3x3 convolution maps the sum to the teacher's shape.
/// </summary>
internal sealed class AttentionBasedFusion
{
    private readonly FeatureShape from;
    private readonly FeatureShape to;
    private readonly Chain narrow;
    private readonly Chain widen;
    private readonly GeneralConvolution? attention;

    /// <param name="middle">Channels of the maps passed between levels.</param>
    /// <param name="fuses">False for the deepest level.</param>
    public AttentionBasedFusion(FeatureShape from, int middle, FeatureShape to, bool fuses)
    {
        (this.from, this.to) = (from, to);
        // Kaiming uniform with a = 1.
        double gain = Math.Sqrt(3);
        narrow = new(new GeneralConvolution(from.Channels, middle, (1, 1), gain: gain), new BatchNorm(middle));
        widen = new(new GeneralConvolution(middle, to.Channels, (3, 3), padding: 1, gain: gain), new BatchNorm(to.Channels));
        attention = fuses ? new(2 * middle, 2, (1, 1), bias: true) : null;
    }

    /// <summary>All layers with weights.</summary>
    public Chain Layers => attention is null ? new(narrow, widen) : new(narrow, widen, attention);

    /// <param name="feature">The student's stage, [batch, channels, height, width].</param>
    /// <param name="deeper">Output of the deeper level, [batch, middle, height, width]; null for the deepest.</param>
    /// <returns>The map to be compared with the teacher's, and the one passed to the shallower level.</returns>
    public (Tensor Output, Tensor Carried) Fuse(Tensor feature, Tensor? deeper)
    {
        Tensor carried = narrow.forward(feature);
        if (attention is not null)
        {
            Tensor enlarged = Resized(deeper!, from);
            Tensor maps = attention.forward(cat([carried, enlarged], 1)).sigmoid();
            carried = carried * maps.narrow(1, 0, 1) + enlarged * maps.narrow(1, 1, 1);
        }
        carried = Resized(carried, to);
        return (widen.forward(carried), carried);
    }

    private static Tensor Resized(Tensor map, FeatureShape size) =>
        map.shape[2] == size.Height && map.shape[3] == size.Width
            ? map
            : nn.functional.interpolate(map, [size.Height, size.Width], mode: InterpolationMode.Nearest);
}
