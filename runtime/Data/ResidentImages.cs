using ChannelDistillation.Core;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// A set of images in device memory, as bytes. The host draws each view with the same code as on the CPU
/// (<see cref="ByteImageSet.Place"/>); the device looks up the pixels and their normalised values in the CPU's table. Batches are
/// therefore bit-identical.
/// </summary>
internal sealed class ResidentImages : IDisposable
{
    // The last pixel is black and belongs to no image; it represents padding.
    private readonly Tensor pixels;
    private readonly Tensor normalised;
    private readonly Tensor channelStarts;
    private readonly Tensor tableStarts;
    private readonly Tensor black;
    private readonly ImageShape shape;

    public ResidentImages(ByteImageSet set, Device device)
    {
        Set = set;
        shape = set.Shape;
        using var scope = NewDisposeScope();
        Tensor bytes = zeros([set.Pixels.Length + 1], ScalarType.Byte);
        set.Pixels.CopyTo(bytes.bytes);
        pixels = Lasting(bytes);
        normalised = Lasting(tensor(set.Normalised.ToArray()));
        Tensor channels = arange(shape.Channels, ScalarType.Int64).view(1, -1, 1, 1);
        channelStarts = Lasting(channels * (shape.Height * shape.Width));
        tableStarts = Lasting(channels * 256);
        black = Lasting(tensor(-1L));

        Tensor Lasting(Tensor value) => value.to(device).DetachFromDisposeScope();
    }

    public ByteImageSet Set { get; }

    /// <summary>Index of a padded row or column: so negative that the sum with any other index stays negative.</summary>
    public long Outside => -2 * pixels.numel();

    /// <summary>Views of images, [batch, channels, height, width], float32, normalised, in a new tensor.</summary>
    /// <param name="starts">[batch], int64: position of an image's first pixel in the set.</param>
    /// <param name="rows">[batch, height], int64: for each row of the view, the start of the image row that it shows, relative to the image's first pixel, or <see cref="Outside"/>.</param>
    /// <param name="columns">[batch, width], int64: for each column of the view, the image column that it shows, or <see cref="Outside"/>.</param>
    public Tensor Views(Tensor starts, Tensor rows, Tensor columns)
    {
        using var scope = NewDisposeScope();
        Tensor origins = starts.view(-1, 1, 1, 1) + channelStarts;
        Tensor places = origins + rows.view(-1, 1, shape.Height, 1) + columns.view(-1, 1, 1, shape.Width);
        // Index -1 is the last pixel.
        Tensor values = pixels.take(places.maximum(black)).to(ScalarType.Int64) + tableStarts;
        return normalised.take(values).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { pixels, normalised, channelStarts, tableStarts, black })
            tensor.Dispose();
    }
}
