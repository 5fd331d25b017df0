using static TorchSharp.torch;

namespace ChannelDistillation.Specs;

/// <summary>
/// Memory layout of a network's images, activations and convolution weights [n, channels, height, width] (PyTorch's memory format). Shapes,
/// values and checkpoints are the same in both; the order of summation differs. Which one is faster depends on the CPU and the network.
/// </summary>
public enum TensorLayout
{
    /// <summary>All channels of a pixel are adjacent (NHWC).</summary>
    ChannelsLast,

    /// <summary>All pixels of a channel are adjacent (NCHW).</summary>
    Contiguous,
}

/// <summary>The requested memory layout of networks on the CPU.</summary>
public enum LayoutRequest
{
    /// <summary>The layout that a run started with; channels-last for a new run.</summary>
    Kept,

    /// <summary>The layout that a run started with; the faster one for a new run.</summary>
    Auto,

    /// <summary>This layout, even if a run started with the other.</summary>
    ChannelsLast,

    /// <inheritdoc cref="ChannelsLast"/>
    Contiguous,
}

/// <summary>The memory layouts of a run; part of its record, not of its identity.</summary>
/// <param name="Teacher">Null without a teacher.</param>
public sealed record RunLayouts(TensorLayout Student, TensorLayout? Teacher)
{
    /// <summary>As on a GPU, and in versions that did not record layouts.</summary>
    public static RunLayouts ChannelsLast { get; } = new(TensorLayout.ChannelsLast, TensorLayout.ChannelsLast);
}

public static class TensorLayouts
{
    private const string ChannelsLast = "channels-last";
    private const string Contiguous = "contiguous";

    private const string Auto = "auto";

    /// <summary>Values of `--layout`; without it, a run keeps its layout.</summary>
    public static IReadOnlyList<string> Requests { get; } = [Auto, ChannelsLast, Contiguous];

    /// <returns>Null if `--layout` does not accept it.</returns>
    public static LayoutRequest? FindRequest(string? name) =>
        name switch
        {
            Auto => LayoutRequest.Auto,
            ChannelsLast => LayoutRequest.ChannelsLast,
            Contiguous => LayoutRequest.Contiguous,
            _ => null,
        };

    /// <summary>The value of `--layout`; null without it.</summary>
    public static string? NameOf(LayoutRequest request) => request == LayoutRequest.Kept ? null : Requests[request - LayoutRequest.Auto];

    /// <summary>The name on the command line and in records.</summary>
    public static string NameOf(TensorLayout layout) => layout == TensorLayout.ChannelsLast ? ChannelsLast : Contiguous;

    /// <returns>Null if there is no such layout.</returns>
    public static TensorLayout? Find(string? name) =>
        name switch
        {
            ChannelsLast => TensorLayout.ChannelsLast,
            Contiguous => TensorLayout.Contiguous,
            _ => null,
        };
}
