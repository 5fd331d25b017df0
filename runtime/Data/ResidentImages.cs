using ChannelDistillation.Core;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// A set of images in the memory of the device, as bytes. Which pixels a view of an image shows is decided on the host, by the code that the CPU's
/// path has too (<see cref="ByteImageSet.Place"/>); the device looks them up, and their normalised values in the CPU's own table. The numbers are
/// therefore the same to the last bit.
/// </summary>
internal sealed class ResidentImages : IDisposable
{
    // The last one is a black pixel of no image, which stands for padding.
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

    /// <summary>In the place of a row or a column that was padded: so far below 0 that nothing added to it is an image's pixel.</summary>
    public long Outside => -2 * pixels.numel();

    /// <summary>Views of images, [batch, channels, height, width], float32, normalised; a new tensor.</summary>
    /// <param name="starts">[batch], int64: an image's first pixel in the set.</param>
    /// <param name="rows">[batch, height], int64: the start of the row of its first channel that each row of the view shows, counted from the image's first pixel, or <see cref="Outside"/>.</param>
    /// <param name="columns">[batch, width], int64: the column that each column of the view shows, or <see cref="Outside"/>.</param>
    public Tensor Views(Tensor starts, Tensor rows, Tensor columns)
    {
        using var scope = NewDisposeScope();
        Tensor origins = starts.view(-1, 1, 1, 1) + channelStarts;
        Tensor places = origins + rows.view(-1, 1, shape.Height, 1) + columns.view(-1, 1, 1, shape.Width);
        // -1 is the last pixel.
        Tensor values = pixels.take(places.maximum(black)).to(ScalarType.Int64) + tableStarts;
        return normalised.take(values).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { pixels, normalised, channelStarts, tableStarts, black })
            tensor.Dispose();
    }
}
