using ChannelDistillation.Models.Layers;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// How a network's images, activations and convolution weights [n, channels, height, width] lie in memory (PyTorch's memory format). Shapes,
/// values and checkpoints are the same in both; sums are formed in another order. Which one is faster differs between CPUs and networks.
/// </summary>
public enum TensorLayout
{
    /// <summary>All channels of a pixel side by side (NHWC).</summary>
    ChannelsLast,

    /// <summary>All pixels of a channel side by side (NCHW).</summary>
    Contiguous,
}

/// <summary>The layouts that a run computes in; part of its record, not of its identity.</summary>
/// <param name="Teacher">Null: the run has no teacher.</param>
public sealed record RunLayouts(TensorLayout Student, TensorLayout? Teacher)
{
    /// <summary>As on a GPU, and as versions computed that recorded no layout.</summary>
    public static RunLayouts ChannelsLast { get; } = new(TensorLayout.ChannelsLast, TensorLayout.ChannelsLast);
}

public static class TensorLayouts
{
    private const string ChannelsLast = "channels-last";
    private const string Contiguous = "contiguous";

    public static IReadOnlyList<string> Names { get; } = [ChannelsLast, Contiguous];

    /// <summary>As on the command line and in records.</summary>
    public static string NameOf(TensorLayout layout) => layout == TensorLayout.ChannelsLast ? ChannelsLast : Contiguous;

    /// <returns>Null: there is no such layout.</returns>
    public static TensorLayout? Find(string? name) =>
        name switch
        {
            ChannelsLast => TensorLayout.ChannelsLast,
            Contiguous => TensorLayout.Contiguous,
            _ => null,
        };

    /// <summary>Stores the weights of all convolutions of a module in this layout; activations follow them. Parameters stay the same objects.</summary>
    public static void Arrange(this nn.Module module, TensorLayout layout)
    {
        foreach (Convolution convolution in module.modules().Prepend(module).OfType<Convolution>())
            convolution.Arrange(layout);
    }
}
