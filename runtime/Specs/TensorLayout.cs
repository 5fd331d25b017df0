using static TorchSharp.torch;

namespace ChannelDistillation.Specs;

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

/// <summary>Which layout networks are to compute in on the CPU.</summary>
public enum LayoutRequest
{
    /// <summary>What a run began with; channels-last where it has not begun.</summary>
    Kept,

    /// <summary>What a run began with; the faster one where it has not begun.</summary>
    Auto,

    /// <summary>This one, also where a run began with the other.</summary>
    ChannelsLast,

    /// <inheritdoc cref="ChannelsLast"/>
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

    private const string Auto = "auto";

    /// <summary>What `--layout` takes; without it, a layout is kept.</summary>
    public static IReadOnlyList<string> Requests { get; } = [Auto, ChannelsLast, Contiguous];

    /// <returns>Null: `--layout` does not take it.</returns>
    public static LayoutRequest? FindRequest(string? name) =>
        name switch
        {
            Auto => LayoutRequest.Auto,
            ChannelsLast => LayoutRequest.ChannelsLast,
            Contiguous => LayoutRequest.Contiguous,
            _ => null,
        };

    /// <summary>As `--layout` takes it; null: without it.</summary>
    public static string? NameOf(LayoutRequest request) => request == LayoutRequest.Kept ? null : Requests[request - LayoutRequest.Auto];

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
}
