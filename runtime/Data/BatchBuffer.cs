using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// Memory for one batch, made once and filled again and again. A worker fills host memory; on a GPU it then makes a pinned copy, which
/// the consumer copies to the device without waiting. The pinned copy is new each time and given back at once: PyTorch's allocator
/// hands its memory out again only after the device has read it, which a buffer of our own could not know.
/// </summary>
internal sealed unsafe class BatchBuffer : IDisposable
{
    private readonly Tensor images;
    private readonly Tensor labels;
    private readonly Tensor? deviceImages;
    private readonly Tensor? deviceLabels;
    private readonly float* imageData;
    private readonly long* labelData;
    private readonly int imageSize;
    private readonly Batch whole;
    private readonly Batch? partial;
    private Tensor? pinnedImages;
    private Tensor? pinnedLabels;

    /// <param name="size">Images in a whole batch.</param>
    /// <param name="rest">Images in the last batch of an epoch; equal to `size` where all are whole.</param>
    public BatchBuffer(int size, int rest, ImageShape shape, Device device)
    {
        imageSize = shape.Channels * shape.Height * shape.Width;
        Indices = new int[size];
        images = Lasting(empty([size, shape.Channels, shape.Height, shape.Width], ScalarType.Float32));
        labels = Lasting(empty([size], ScalarType.Int64));
        imageData = (float*)Address(images);
        labelData = (long*)Address(labels);
        if (device.type != DeviceType.CPU)
        {
            deviceImages = Lasting(empty_like(images, device: device));
            deviceLabels = Lasting(empty_like(labels, device: device));
        }

        var (seenImages, seenLabels) = (deviceImages ?? images, deviceLabels ?? labels);
        whole = new Batch(seenImages, seenLabels, Indices);
        partial =
            rest == size
                ? null
                : new Batch(Lasting(seenImages.narrow(0, 0, rest)), Lasting(seenLabels.narrow(0, 0, rest)), Indices.AsMemory(0, rest));
    }

    /// <summary>Which images it holds; written by the worker that fills it.</summary>
    public int[] Indices { get; }

    public Span<float> Image(int row) => new(imageData + (long)row * imageSize, imageSize);

    public void SetLabel(int row, long label) => labelData[row] = label;

    /// <summary>Called by the worker when all is written.</summary>
    public void Pin()
    {
        if (deviceImages is not null)
        {
            Unpin();
            pinnedImages = images.pin_memory();
            pinnedLabels = labels.pin_memory();
        }
    }

    /// <summary>Called by the consumer: the first `count` images and labels, on the device.</summary>
    public Batch Take(int count)
    {
        if (deviceImages is not null)
        {
            deviceImages.copy_(pinnedImages!, nonBlocking: true);
            deviceLabels!.copy_(pinnedLabels!, nonBlocking: true);
            Unpin();
        }

        return count == Indices.Length ? whole : partial!;
    }

    public void Dispose()
    {
        Unpin();
        partial?.Images.Dispose();
        partial?.Labels.Dispose();
        deviceImages?.Dispose();
        deviceLabels?.Dispose();
        images.Dispose();
        labels.Dispose();
    }

    private void Unpin()
    {
        pinnedImages?.Dispose();
        pinnedLabels?.Dispose();
        (pinnedImages, pinnedLabels) = (null, null);
    }

    /// <summary>Takes a tensor out of whatever scope the caller has open: buffers live as long as their stream.</summary>
    private static Tensor Lasting(Tensor tensor) => tensor.DetachFromDisposeScope();

    private static void* Address(Tensor tensor)
    {
        fixed (byte* first = tensor.bytes)
        {
            return first;
        }
    }
}
