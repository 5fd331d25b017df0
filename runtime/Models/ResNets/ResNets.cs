using ChannelDistillation.Core;

namespace ChannelDistillation.Models;

/// <summary>
/// ResNet-18 to ResNet-152 as in torchvision, for ImageNet or, with a 3x3 stem of stride 1 and no max-pooling, for CIFAR (as in the
/// published code of Channel Distillation, arXiv 2006.01683). Four stages, widths 64 to 512.
/// </summary>
public static class ResNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        Describe(18, false, 2, 2, 2, 2),
        Describe(34, false, 3, 4, 6, 3),
        Describe(50, true, 3, 4, 6, 3),
        Describe(101, true, 3, 4, 23, 3),
        Describe(152, true, 3, 8, 36, 3),
    ];

    private static ModelDescriptor Describe(int layers, bool bottlenecks, params int[] depths)
    {
        string name = $"resnet{layers}";
        var architecture = new ResidualArchitecture(64, [64, 128, 256, 512], depths, bottlenecks);
        return new()
        {
            Name = name,
            Doc = $"ResNet-{layers}, four stages of {(bottlenecks ? "bottleneck" : "basic")} blocks, weights interchangeable with torchvision's",
            Source = "He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385; torchvision",
            Stems = [Stem.Cifar, Stem.ImageNet],
            Stages = architecture.Stages,
            Create = options => new ResidualNetwork(name, architecture, options),
        };
    }
}

/// <summary>
/// The thin CIFAR ResNets of the ResNet paper (section 4.2) as distillation benchmarks use them (CRD, arXiv 1910.10699): three stages of
/// (layers - 2) / 6 basic blocks, widths 16, 32, 64; `x4` quadruples the widths and doubles the stem's. The shortcut is a 1x1
/// convolution + BatchNorm if the shape changes.
/// </summary>
public static class ThinResNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } =
    [
        .. new[] { 8, 14, 20, 32, 44, 56, 110 }.Select(layers => Describe($"resnet{layers}", layers, 16, [16, 32, 64])),
        .. new[] { 8, 32 }.Select(layers => Describe($"resnet{layers}x4", layers, 32, [64, 128, 256])),
    ];

    private static ModelDescriptor Describe(string name, int layers, int stemWidth, int[] widths)
    {
        int depth = (layers - 2) / 6;
        var architecture = new ResidualArchitecture(stemWidth, widths, [depth, depth, depth], Bottlenecks: false);
        return new()
        {
            Name = name,
            Doc = $"Thin {layers}-layer ResNet for small images, three stages of widths {string.Join(", ", widths)}",
            Source =
                "He et al., Deep Residual Learning for Image Recognition, arXiv 1512.03385, section 4.2; widths and names as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = architecture.Stages,
            Create = options => new ResidualNetwork(name, architecture, options),
        };
    }
}
