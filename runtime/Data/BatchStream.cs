using ChannelDistillation.Core;
using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// The batches of consecutive epochs, prepared in the background. Order and augmentation are pure functions of (seed, epoch,
/// image), so that the batches do not depend on the number of threads or on where an epoch is resumed.
/// </summary>
public sealed class BatchStream : IDisposable
{
    private readonly IImageSet set;
    private readonly int batchSize;
    private readonly long seed;
    private readonly int? views;
    private int threads;
    private readonly Device device;
    private readonly EpochOrder order;
    private readonly ResidentImages? resident;
    private readonly CudaStream? queue;
    private readonly IBatchBuffer[] buffers;
    private readonly Prefetcher<IBatchBuffer> prefetcher;

    /// <param name="set">Not disposed with the stream.</param>
    /// <param name="batchSize">Images per batch; the last, smaller batch of an epoch is kept.</param>
    /// <param name="augmentation">For a validation set: <see cref="AugmentationSpec.None"/>.</param>
    /// <param name="seed">Seed of order and augmentation.</param>
    /// <param name="shuffle">False: in the order of the set.</param>
    /// <param name="device">Device of the batches.</param>
    /// <param name="threads">Background threads that share the images of a batch, at least 1; null: as many as the set recommends.</param>
    /// <param name="views">Number of views of each image (<see cref="DatasetSpec.Views"/>); null: a new view in every epoch.</param>
    /// <param name="onDevice">Whether the images are kept on the device and augmented there, if they are in memory; null: on a GPU, if they take a small part of its memory.</param>
    public BatchStream(
        IImageSet set,
        int batchSize,
        AugmentationSpec augmentation,
        long seed,
        bool shuffle,
        Device device,
        int? threads = null,
        int? views = null,
        bool? onDevice = null
    )
    {
        this.threads = threads ?? LoaderThreads.Of(set.Threads, device);
        ArgumentOutOfRangeException.ThrowIfLessThan(set.Count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(this.threads, 1);
        this.set = set;
        this.device = device;
        this.batchSize = Math.Min(batchSize, set.Count);
        this.seed = seed;
        this.views = views;
        order = new EpochOrder(set.Count, seed, shuffle);
        StepsPerEpoch = (set.Count + this.batchSize - 1) / this.batchSize;

        queue = CudaStream.Of(device);
        bool mayLieThere = onDevice ?? device.type == DeviceType.CUDA;
        if (mayLieThere && set.InMemory is { } images && (onDevice is true || DeviceMemory.IsSmall(images.Pixels.Length, device)))
        {
            resident = new ResidentImages(images, device);
        }

        // One buffer is being read, one is being filled, and one is ready.
        buffers = new IBatchBuffer[3];
        for (var i = 0; i < buffers.Length; i++)
        {
            buffers[i] = resident is null
                ? new BatchBuffer(set, augmentation, this.batchSize, SizeOf(StepsPerEpoch - 1), device, queue)
                : new ResidentBuffer(resident, augmentation, this.batchSize, device, queue);
        }

        prefetcher = new(buffers, Fill);
    }

    public int StepsPerEpoch { get; }

    /// <summary>Requests numbers for the losses with every batch. Call at most once, before the first batch is requested.</summary>
    /// <param name="draws">Each with the epochs in which it is needed.</param>
    public void Draw(IReadOnlyDictionary<IImageDraw, Func<int, bool>> draws)
    {
        if (draws.Count == 0)
            return;
        for (var i = 0; i < buffers.Length; i++)
            buffers[i] = new DrawingBuffer(buffers[i], draws, SizeOf(StepsPerEpoch - 1), device, queue);
        threads = Math.Max(threads, LoaderThreads.Of(Environment.ProcessorCount, device));
    }

    /// <summary>Total time that the reader has waited for batches.</summary>
    public TimeSpan Waited => prefetcher.Waited;

    /// <summary>The batches of an epoch, each valid until the next one is requested.</summary>
    /// <param name="epoch">Counted from 1.</param>
    /// <param name="firstStep">The first batch, from 0 to <see cref="StepsPerEpoch"/> (which yields none).</param>
    /// <exception cref="InvalidOperationException">Another enumeration of this stream is in progress.</exception>
    public IEnumerable<Batch> Epoch(int epoch, int firstStep = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstStep, StepsPerEpoch);
        return Batches((long)epoch * StepsPerEpoch + firstStep, StepsPerEpoch - firstStep);
    }

    public void Dispose()
    {
        prefetcher.Dispose();
        queue?.Dispose();
        resident?.Dispose();
    }

    private IEnumerable<Batch> Batches(long first, int count)
    {
        foreach (var (number, buffer) in prefetcher.Read(first, count))
        {
            try
            {
                yield return buffer.Take(SizeOf((int)(number % StepsPerEpoch)));
            }
            finally
            {
                buffer.Leave();
            }
        }
    }

    private int SizeOf(int step) => Math.Min(batchSize, set.Count - step * batchSize);

    /// <summary>Prepares a batch; batches are numbered across epochs.</summary>
    private void Fill(long number, IBatchBuffer buffer)
    {
        var epoch = (int)(number / StepsPerEpoch);
        var step = (int)(number % StepsPerEpoch);
        var indices = order.Of(epoch).AsMemory(step * batchSize, SizeOf(step));
        prefetcher.Hold(() => buffer.BeginWrite(epoch));
        indices.CopyTo(buffer.Indices);
        if (threads == 1)
        {
            for (var row = 0; row < indices.Length; row++)
            {
                Fill(epoch, indices.Span[row], buffer, row);
            }
        }
        else
        {
            ParallelLoop.For(indices.Length, row => Fill(epoch, indices.Span[row], buffer, row), threads);
        }

        buffer.Send();
    }

    private void Fill(int epoch, int index, IBatchBuffer buffer, int row)
    {
        if (prefetcher.Wanted)
        {
            var random = new Randomness(seed, Purpose.Augmentation, views is int count ? (epoch - 1) % count + 1 : epoch, index);
            buffer.Write(row, index, ref random);
        }
    }
}

/// <summary>The number of threads that prepare a batch.</summary>
internal static class LoaderThreads
{
    /// <summary>On CUDA: the threads that issue the GPU's work and run the backward pass. Without a free core for them, the GPU waits.</summary>
    private const int Issuing = 2;

    /// <param name="wanted">The number of threads that the data could use.</param>
    public static int Of(int wanted, Device device) => Of(wanted, device.type, Environment.ProcessorCount);

    internal static int Of(int wanted, DeviceType device, int cores) => device == DeviceType.CUDA ? Math.Clamp(cores - Issuing, 1, wanted) : wanted;
}
