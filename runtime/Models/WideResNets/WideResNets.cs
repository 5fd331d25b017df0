namespace ChannelDistillation.Models;

/// <summary>
/// Wide ResNets for small images (Zagoruyko and Komodakis, arXiv 1605.07146), `wrnD-K`: three stages of (D - 4) / 6 pre-activation blocks,
/// K times as wide as 16, 32, 64. Features as in the CRD benchmark (arXiv 1910.10699): the sums that the stages end with, not activated.
/// </summary>
public static class WideResNets
{
    public static IReadOnlyList<ModelDescriptor> All { get; } = [Describe(16, 1), Describe(16, 2), Describe(40, 1), Describe(40, 2)];

    private static ModelDescriptor Describe(int layers, int factor)
    {
        string name = $"wrn{layers}-{factor}";
        int[] widths = [16 * factor, 32 * factor, 64 * factor];
        return new()
        {
            Name = name,
            Doc = $"Wide ResNet for small images, {layers} layers, three stages of widths {string.Join(", ", widths)}",
            Source = "Zagoruyko and Komodakis, Wide Residual Networks, arXiv 1605.07146; features as in CRD, arXiv 1910.10699",
            Stems = [Stem.Cifar],
            Stages = [.. widths.Select((width, stage) => (width, stage == 0 ? 1 : 2))],
            Create = options => new WideResNet(name, widths, (layers - 4) / 6, options),
        };
    }
}
