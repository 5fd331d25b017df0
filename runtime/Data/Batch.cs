using System.Collections.ObjectModel;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>One step's data, on the training device. Valid until the next one is asked for: buffers are reused.</summary>
/// <param name="Images">[batch, channels, height, width], float32, normalised.</param>
/// <param name="Labels">[batch], int64.</param>
/// <param name="Indices">Position of each image in its set.</param>
public sealed record Batch(Tensor Images, Tensor Labels, ReadOnlyMemory<int> Indices)
{
    /// <summary>What losses had drawn for the images, [batch, width], int32; losses draw for themselves what is not here.</summary>
    public IReadOnlyDictionary<IImageDraw, Tensor> Draws { get; init; } = ReadOnlyDictionary<IImageDraw, Tensor>.Empty;
}
