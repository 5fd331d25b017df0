using ChannelDistillation.Core;
using ChannelDistillation.Imaging;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>A batch of images that are already on the device. Transferred are only the position, the label, and the rows and columns of each image's view.</summary>
internal sealed unsafe class ResidentBuffer : IBatchBuffer
{
    private const int Heading = 2;
    private readonly ResidentImages images;
    private readonly AugmentationSpec augmentation;
    private readonly DeviceTransfer plan;
    private readonly int height;
    private readonly int width;
    private Batch? taken;

    /// <param name="images">Not disposed with the buffer.</param>
    /// <param name="size">Images in a full batch.</param>
    public ResidentBuffer(ResidentImages images, AugmentationSpec augmentation, int size, Device device, CudaStream? queue)
    {
        (this.images, this.augmentation) = (images, augmentation);
        (height, width) = (images.Set.Shape.Height, images.Set.Shape.Width);
        Indices = new int[size];
        plan = new([size, Heading + height + width], ScalarType.Int64, device, queue);
    }

    public int[] Indices { get; }

    public void BeginWrite(int epoch) => plan.BeginWrite();

    public void Write(int row, int index, ref Randomness random)
    {
        Span<int> rows = stackalloc int[height];
        Span<int> columns = stackalloc int[width];
        images.Set.Place(augmentation, ref random, rows, columns);
        int length = Heading + height + width;
        var line = new Span<long>((long*)plan.Address + (long)row * length, length);
        line[0] = (long)index * images.Set.ImageSize;
        line[1] = images.Set.Label(index);
        for (int y = 0; y < height; y++)
            line[Heading + y] = rows[y] == ByteImageSet.Outside ? images.Outside : rows[y] * width;
        for (int x = 0; x < width; x++)
            line[Heading + height + x] = columns[x] == ByteImageSet.Outside ? images.Outside : columns[x];
    }

    public void Send() => plan.Send();

    public Batch Take(int count)
    {
        plan.WaitForCopy();
        Forget();
        using var scope = NewDisposeScope();
        Tensor lines = plan.OnDevice.narrow(0, 0, count);
        Tensor views = images.Views(
            lines.select(1, 0),
            lines.narrow(1, Heading, height).contiguous(),
            lines.narrow(1, Heading + height, width).contiguous()
        );
        return taken = new(views.DetachFromDisposeScope(), lines.select(1, 1).clone().DetachFromDisposeScope(), Indices.AsMemory(0, count));
    }

    public void Leave() => plan.Leave();

    public void Dispose()
    {
        Forget();
        plan.Dispose();
    }

    private void Forget()
    {
        taken?.Images.Dispose();
        taken?.Labels.Dispose();
        taken = null;
    }
}
