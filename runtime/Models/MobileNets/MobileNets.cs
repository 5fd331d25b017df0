namespace ChannelDistillation.Models;

/// <summary>
/// MobileNetV2 (Sandler et al., arXiv 1801.04381) for small images as in the CRD benchmark (arXiv 1910.10699): half as wide, expansion 6, the first
/// convolution of stride 2. Seven groups of blocks make four stages; they end with a BatchNorm, so that a stage's pre-activation is its output.
/// </summary>
public static class MobileNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        new()
        {
            Name = "mobilenetv2",
            Doc = "MobileNetV2 of half width for small images, four stages of 12, 16, 48 and 160 channels",
            Source = "Sandler et al., MobileNetV2, arXiv 1801.04381; widths, strides and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            StemStride = 2,
            Stages = [(12, 1), (16, 2), (48, 2), (160, 2)],
            EmbeddingChannels = MobileNetV2.EmbeddingChannels,
            Create = options => new MobileNetV2("mobilenetv2", options),
        },
    ];
}
