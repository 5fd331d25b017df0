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

/// <summary>
/// Numbers that a loss needs for each image of a batch, beside the image: drawn by the loading threads, ahead of the step that reads them. Two that
/// are equal draw the same, and are drawn once.
/// </summary>
public interface IImageDraw
{
    /// <summary>Numbers per image.</summary>
    int Width { get; }

    /// <summary>A pure function of the epoch (from 1) and the image. Any number of threads.</summary>
    /// <param name="image">Its position in the training set.</param>
    /// <param name="row"><see cref="Width"/> numbers, all of them to be written.</param>
    void Draw(int epoch, int image, Span<int> row);
}
