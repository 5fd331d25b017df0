using System.Diagnostics;
using System.Runtime.ExceptionServices;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// The batches of epoch after epoch, prepared ahead by background threads. Order and augmentation are pure functions of (seed, epoch,
/// image), so that the batches are the same for any number of workers, and for an epoch that is entered at its middle.
/// </summary>
/// <remarks>
/// Batches are numbered from where reading last started; number n lies in buffer n modulo the number of buffers. A worker takes the
/// next number as soon as its buffer is free, and goes on across the end of an epoch. One lock guards the counters; nobody holds it
/// while filling. Reading elsewhere than where the last reading ended drops what is prepared.
/// </remarks>
public sealed class BatchStream : IDisposable
{
    private readonly IImageSet set;
    private readonly int batchSize;
    private readonly AugmentationSpec augmentation;
    private readonly long seed;
    private readonly bool shuffle;
    private readonly BatchBuffer[] buffers;
    private readonly Thread[] workers;
    private readonly Stopwatch waited = new();

    // Guarded by `gate`; the flags are also looked at, without it, between two images.
    private readonly object gate = new();
    private readonly bool[] ready;
    private long start;
    private long next;
    private long delivered;
    private long released;
    private int filling;
    private bool reading;
    private volatile bool running;
    private volatile bool closing;
    private int[] order;
    private long orderEpoch;

    /// <param name="set">Not disposed with the stream.</param>
    /// <param name="batchSize">Images per batch; the last, smaller batch of an epoch is kept.</param>
    /// <param name="augmentation">For a validation set: <see cref="AugmentationSpec.None"/>.</param>
    /// <param name="seed">What order and augmentation follow.</param>
    /// <param name="shuffle">False: in the order of the set.</param>
    /// <param name="device">Where the batches are wanted.</param>
    /// <param name="workers">Background threads, 1 or more. One prepares tens of thousands of small images per second.</param>
    public BatchStream(IImageSet set, int batchSize, AugmentationSpec augmentation, long seed, bool shuffle, Device device, int workers = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(set.Count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        this.set = set;
        this.batchSize = Math.Min(batchSize, set.Count);
        this.augmentation = augmentation;
        this.seed = seed;
        this.shuffle = shuffle;
        StepsPerEpoch = (set.Count + this.batchSize - 1) / this.batchSize;
        order = EpochOrder.Sorted(set.Count);
        // One buffer is with the consumer, one with each worker, and one more is ready.
        buffers = new BatchBuffer[workers + 2];
        ready = new bool[buffers.Length];
        var rest = set.Count - (StepsPerEpoch - 1) * this.batchSize;
        for (var i = 0; i < buffers.Length; i++)
        {
            buffers[i] = new BatchBuffer(this.batchSize, rest, set.Shape, device);
        }

        this.workers = new Thread[workers];
        for (var i = 0; i < workers; i++)
        {
            this.workers[i] = new Thread(Work) { IsBackground = true, Name = $"batches {i + 1}" };
            this.workers[i].Start();
        }
    }

    public int StepsPerEpoch { get; }

    /// <summary>How long the consumer has waited for batches so far, in all.</summary>
    public TimeSpan Waited => waited.Elapsed;

    /// <summary>The batches of an epoch, each valid until the next one is asked for.</summary>
    /// <param name="epoch">Counted from 1.</param>
    /// <param name="firstStep">The first batch to give, from 0 to <see cref="StepsPerEpoch"/> (which gives none).</param>
    /// <exception cref="InvalidOperationException">While another enumeration of this stream is going on.</exception>
    public IEnumerable<Batch> Epoch(int epoch, int firstStep = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(firstStep);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstStep, StepsPerEpoch);
        return Read((long)epoch * StepsPerEpoch + firstStep, StepsPerEpoch - firstStep);
    }

    public void Dispose()
    {
        lock (gate)
        {
            closing = true;
            Monitor.PulseAll(gate);
        }

        foreach (var worker in workers)
        {
            worker.Join();
        }

        foreach (var buffer in buffers)
        {
            buffer.Dispose();
        }
    }

    private IEnumerable<Batch> Read(long first, int count)
    {
        Begin(first);
        try
        {
            for (var i = 0; i < count; i++)
            {
                yield return Next();
            }
        }
        finally
        {
            End();
        }
    }

    /// <summary>Goes on where the last reading ended, or makes the workers start anew at batch `first` (counted over all epochs).</summary>
    private void Begin(long first)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closing, this);
            if (reading)
            {
                throw new InvalidOperationException("The batches of this stream are already being read; a stream has one reader at a time.");
            }

            reading = true;
            if (running && start + delivered == first)
            {
                return;
            }

            running = false;
            while (filling > 0)
            {
                Monitor.Wait(gate);
            }

            (start, next, delivered, released) = (first, 0, 0, 0);
            Array.Clear(ready);
            running = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Gives the last batch's buffer back and waits for the next batch.</summary>
    private Batch Next()
    {
        long number;
        BatchBuffer buffer;
        lock (gate)
        {
            Release();
            var slot = delivered % buffers.Length;
            waited.Start();
            while (!ready[slot] && !closing)
            {
                Monitor.Wait(gate);
            }

            waited.Stop();
            ObjectDisposedException.ThrowIf(closing, this);
            ready[slot] = false;
            number = start + delivered++;
            buffer = buffers[slot];
            running = buffer.Failure is null;
        }

        buffer.Failure?.Throw();
        return buffer.Take(SizeOf(number));
    }

    private void End()
    {
        lock (gate)
        {
            Release();
            reading = false;
        }
    }

    private void Release()
    {
        released = delivered;
        Monitor.PulseAll(gate);
    }

    private int SizeOf(long number)
    {
        var step = (int)(number % StepsPerEpoch);
        return Math.Min(batchSize, set.Count - step * batchSize);
    }

    private void Work()
    {
        while (Claim() is var (number, shown))
        {
            var slot = (number - start) % buffers.Length;
            try
            {
                buffers[slot].Failure = null;
                Fill(buffers[slot], number, shown);
            }
            catch (Exception error)
            {
                buffers[slot].Failure = ExceptionDispatchInfo.Capture(error);
            }

            lock (gate)
            {
                ready[slot] = true;
                filling--;
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <summary>The next batch to prepare and the order of its epoch, as soon as there is a buffer for it; null when the stream closes.</summary>
    private (long Number, int[] Order)? Claim()
    {
        lock (gate)
        {
            while (!closing && !(running && next - released < buffers.Length))
            {
                Monitor.Wait(gate);
            }

            if (closing)
            {
                return null;
            }

            filling++;
            var number = start + next++;
            var epoch = number / StepsPerEpoch;
            if (shuffle && epoch != orderEpoch)
            {
                (order, orderEpoch) = (EpochOrder.Shuffled(set.Count, seed, (int)epoch), epoch);
            }

            return (number, order);
        }
    }

    private void Fill(BatchBuffer buffer, long number, int[] shown)
    {
        var (epoch, step) = Math.DivRem(number, StepsPerEpoch);
        var indices = shown.AsSpan((int)step * batchSize, SizeOf(number));
        indices.CopyTo(buffer.Indices);
        for (var row = 0; row < indices.Length && running && !closing; row++)
        {
            var index = indices[row];
            var random = new Randomness(seed, Purpose.Augmentation, epoch, index);
            set.Read(index, augmentation, ref random, buffer.Image(row));
            buffer.SetLabel(row, set.Label(index));
        }

        buffer.Pin();
    }
}
