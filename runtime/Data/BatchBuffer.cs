using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>Memory for one batch, made once and filled again and again: by a loading thread, for the training thread.</summary>
internal interface IBatchBuffer : IDisposable
{
    /// <summary>Which images it holds; written by the loading thread.</summary>
    int[] Indices { get; }

    /// <summary>Loading thread, first: waits until the device has read what was in it.</summary>
    /// <param name="epoch">Of the batch to be written.</param>
    void Refill(int epoch);

    /// <summary>Loading threads: one image and its label.</summary>
    void Write(int row, int index, ref Randomness random);

    /// <summary>Loading thread, when all is written.</summary>
    void Send();

    /// <summary>Training thread: the first `count` images and labels, on the device.</summary>
    Batch Take(int count);

    /// <summary>Training thread, when it is done with the batch.</summary>
    void Leave();
}

/// <summary>A batch that is made ready on the host: images are read, varied and normalised there.</summary>
internal sealed unsafe class BatchBuffer : IBatchBuffer
{
    private readonly IImageSet set;
    private readonly AugmentationSpec augmentation;
    private readonly DeviceTransfer images;
    private readonly DeviceTransfer labels;
    private readonly int imageSize;
    private readonly Batch whole;
    private readonly Batch? partial;

    /// <param name="size">Images in a whole batch.</param>
    /// <param name="rest">Images in the last batch of an epoch; equal to `size` where all are whole.</param>
    public BatchBuffer(IImageSet set, AugmentationSpec augmentation, int size, int rest, Device device, CudaStream? queue)
    {
        (this.set, this.augmentation) = (set, augmentation);
        var shape = set.Shape;
        imageSize = shape.Channels * shape.Height * shape.Width;
        Indices = new int[size];
        images = new([size, shape.Channels, shape.Height, shape.Width], ScalarType.Float32, device, queue);
        labels = new([size], ScalarType.Int64, device, queue);
        whole = new Batch(images.OnDevice, labels.OnDevice, Indices);
        // Buffers live as long as their stream, whatever scope the caller has open.
        partial =
            rest == size
                ? null
                : new Batch(
                    images.OnDevice.narrow(0, 0, rest).DetachFromDisposeScope(),
                    labels.OnDevice.narrow(0, 0, rest).DetachFromDisposeScope(),
                    Indices.AsMemory(0, rest)
                );
    }

    public int[] Indices { get; }

    public void Refill(int epoch)
    {
        images.Refill();
        labels.Refill();
    }

    public void Write(int row, int index, ref Randomness random)
    {
        set.Read(index, augmentation, ref random, new Span<float>((float*)images.Address + (long)row * imageSize, imageSize));
        ((long*)labels.Address)[row] = set.Label(index);
    }

    public void Send()
    {
        images.Send();
        labels.Send();
    }

    public Batch Take(int count)
    {
        images.Arrive();
        labels.Arrive();
        return count == Indices.Length ? whole : partial!;
    }

    public void Leave()
    {
        images.Leave();
        labels.Leave();
    }

    public void Dispose()
    {
        partial?.Images.Dispose();
        partial?.Labels.Dispose();
        images.Dispose();
        labels.Dispose();
    }
}
