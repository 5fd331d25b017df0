using System.Text;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders.Packed;

/// <summary>One image to be written to a shard; the memory is reused.</summary>
internal sealed unsafe class PackedImage : IDisposable
{
    private readonly NativeBuffer memory = new();
    private byte* first;
    private int length;

    public ShardContent Content { get; private set; }

    /// <summary>0 if the content is not pixels.</summary>
    public int Width { get; private set; }

    public int Height { get; private set; }

    public ReadOnlySpan<byte> Data => new(first, length);

    /// <summary>Reads an image from its folder; an unreadable image is stored as such.</summary>
    public void Take(FolderStore store, int index, PackFormat format, DecodingWorker worker)
    {
        try
        {
            if (format.ShortSide is { } side)
            {
                TakePixels(store.Load(index, worker), side, worker.Resampler);
            }
            else
            {
                Set(ShardContent.File, store.Content(index, worker));
            }
        }
        catch (ImageException error)
        {
            Set(ShardContent.Unreadable, Encoding.UTF8.GetBytes(error.Message));
        }
    }

    public void Dispose() => memory.Dispose();

    /// <summary>Smaller images are not resized: enlarging them would only take more space.</summary>
    private void TakePixels(Pixels picture, int side, Resampler resampler)
    {
        var (width, height) =
            Math.Min(picture.Width, picture.Height) <= side
                ? (picture.Width, picture.Height)
                : ShortSide.Resized(picture.Width, picture.Height, side);
        resampler.Columns.Set(picture.Width, width, 0, width);
        resampler.Rows.Set(picture.Height, height, 0, height);
        Room(ShardContent.Pixels, checked(3 * width * height));
        (Width, Height) = (width, height);
        resampler.Run(picture, new(0, 0, picture.Width, picture.Height), new Span<byte>(first, length));
    }

    private void Set(ShardContent content, ReadOnlySpan<byte> bytes)
    {
        Room(content, bytes.Length);
        bytes.CopyTo(new Span<byte>(first, length));
    }

    private void Room(ShardContent content, int bytes)
    {
        first = memory.AtLeast(bytes);
        length = bytes;
        (Content, Width, Height) = (content, 0, 0);
    }
}
