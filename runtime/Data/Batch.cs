using System.Collections.ObjectModel;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>The data of one training step, on the training device. Valid until the next batch is requested, because buffers are reused.</summary>
/// <param name="Images">[batch, channels, height, width], float32, normalised.</param>
/// <param name="Labels">[batch], int64.</param>
/// <param name="Indices">Position of each image in its set.</param>
public sealed record Batch(Tensor Images, Tensor Labels, ReadOnlyMemory<int> Indices)
{
    /// <summary>Numbers drawn for the images at the losses' request, [batch, width], int32. Losses draw for themselves what is missing here.</summary>
    public IReadOnlyDictionary<IImageDraw, Tensor> Draws { get; init; } = ReadOnlyDictionary<IImageDraw, Tensor>.Empty;
}

/// <summary>
/// Numbers that a loss needs for each image of a batch, drawn in advance by the loading threads. Equal instances draw the same numbers, and
/// are drawn once.
/// </summary>
public interface IImageDraw
{
    /// <summary>Numbers per image.</summary>
    int Width { get; }

    /// <summary>Draws the numbers: a pure function of the epoch (from 1) and the image. Thread-safe.</summary>
    /// <param name="image">Position of the image in the training set.</param>
    /// <param name="row"><see cref="Width"/> numbers, all of which must be written.</param>
    void Draw(int epoch, int image, Span<int> row);
}
