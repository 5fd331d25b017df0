namespace ChannelDistillation.Models;

/// <summary>
/// ShuffleNetV2 (Ma et al., arXiv 1807.11164) of width 1 for small images as in the CRD benchmark (arXiv 1910.10699): a 1x1 convolution in place of
/// the stem, three stages of 116, 232 and 464 channels, one block more in each than in the paper.
/// </summary>
public static class ShuffleNetsV2
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        new()
        {
            Name = "shufflenetv2",
            Doc = "ShuffleNetV2 for small images, three stages of 116, 232 and 464 channels",
            Source = "Ma et al., ShuffleNet V2, arXiv 1807.11164; stem, depth and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(116, 2), (232, 2), (464, 2)],
            EmbeddingChannels = ShuffleNetV2.EmbeddingChannels,
            Create = options => new ShuffleNetV2("shufflenetv2", options),
        },
    ];
}
