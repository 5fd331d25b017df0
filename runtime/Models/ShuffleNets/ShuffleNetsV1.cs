namespace ChannelDistillation.Models;

/// <summary>
/// ShuffleNet (Zhang et al., arXiv 1707.01083) for small images as in the CRD benchmark (arXiv 1910.10699): 3 groups, a 1x1 convolution in place of
/// the stem, three stages of 240, 480 and 960 channels.
/// </summary>
public static class ShuffleNetsV1
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        new()
        {
            Name = "shufflenetv1",
            Doc = "ShuffleNet with 3 groups for small images, three stages of 240, 480 and 960 channels",
            Source = "Zhang et al., ShuffleNet, arXiv 1707.01083; stem and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(240, 2), (480, 2), (960, 2)],
            Create = options => new ShuffleNetV1("shufflenetv1", options),
        },
    ];
}
