namespace ChannelDistillation.Models;

/// <summary>
/// VGG with BatchNorm for small images as in the CRD benchmark (arXiv 1910.10699): five groups of 3x3 convolutions of widths 64, 128, 256, 512, 512
/// with one linear layer behind them. The first group is the stem; the features are the other four, after ReLU and before the next pooling.
/// </summary>
public static class VggNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [Describe(8, 1, 1, 1, 1, 1), Describe(11, 1, 1, 2, 2, 2), Describe(13, 2, 2, 2, 2, 2), Describe(16, 2, 2, 3, 3, 3), Describe(19, 2, 2, 4, 4, 4)];

    private static ModelDescriptor Describe(int layers, params int[] depths)
    {
        string name = $"vgg{layers}";
        return new()
        {
            Name = name,
            Doc = $"VGG for small images, {layers} layers with BatchNorm and one linear layer, four stages of widths 128, 256, 512, 512",
            Source = "Simonyan and Zisserman, Very Deep Convolutional Networks, arXiv 1409.1556; layers and features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [(128, 2), (256, 2), (512, 2), (512, 1)],
            Shapes = VggNetwork.Shapes,
            Create = options => new VggNetwork(name, depths, options),
        };
    }
}
