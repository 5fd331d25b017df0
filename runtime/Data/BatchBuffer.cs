using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>Memory for one batch, reused: a loading thread fills it for the training thread.</summary>
internal interface IBatchBuffer : IDisposable
{
    /// <summary>The images in the batch; written by the loading thread.</summary>
    int[] Indices { get; }

    /// <summary>Called first by the loading thread: waits until the device has read the previous content.</summary>
    /// <param name="epoch">Epoch of the batch to be written.</param>
    void BeginWrite(int epoch);

    /// <summary>Called by loading threads: writes one image and its label.</summary>
    void Write(int row, int index, ref Randomness random);

    /// <summary>Called by the loading thread when the batch is complete.</summary>
    void Send();

    /// <summary>Called by the training thread: the first `count` images and labels, on the device.</summary>
    Batch Take(int count);

    /// <summary>Called by the training thread when it has finished with the batch.</summary>
    void Leave();
}

/// <summary>A batch prepared on the host: images are read, augmented and normalised there.</summary>
internal sealed unsafe class BatchBuffer : IBatchBuffer
{
    private readonly IImageSet set;
    private readonly AugmentationSpec augmentation;
    private readonly DeviceTransfer images;
    private readonly DeviceTransfer labels;
    private readonly int imageSize;
    private readonly Batch whole;
    private readonly Batch? partial;

    /// <param name="size">Images in a full batch.</param>
    /// <param name="rest">Images in the last batch of an epoch; equal to `size` if all batches are full.</param>
    public BatchBuffer(IImageSet set, AugmentationSpec augmentation, int size, int rest, Device device, CudaStream? queue)
    {
        (this.set, this.augmentation) = (set, augmentation);
        var shape = set.Shape;
        imageSize = shape.Channels * shape.Height * shape.Width;
        Indices = new int[size];
        images = new([size, shape.Channels, shape.Height, shape.Width], ScalarType.Float32, device, queue);
        labels = new([size], ScalarType.Int64, device, queue);
        whole = new Batch(images.OnDevice, labels.OnDevice, Indices);
        // Buffers live as long as their stream, independent of the caller's dispose scope.
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

    public void BeginWrite(int epoch)
    {
        images.BeginWrite();
        labels.BeginWrite();
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
        images.WaitForCopy();
        labels.WaitForCopy();
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
