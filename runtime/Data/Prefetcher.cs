using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace ChannelDistillation.Data;

/// <summary>
/// A background thread that fills a few buffers ahead of a single reader. Items are numbered: item n is a function
/// of n alone, and the reader receives consecutive numbers from any start.
/// </summary>
/// <remarks>
/// The i-th item after the start is in buffer i modulo the number of buffers. The worker starts the next number as soon as its buffer
/// is free. One lock guards the counters; it is never held while filling.
/// </remarks>
/// <typeparam name="T">A buffer; disposed with the prefetcher.</typeparam>
internal sealed class Prefetcher<T> : IDisposable
    where T : IDisposable
{
    private readonly Action<long, T> fill;
    private readonly T[] buffers;
    private readonly Thread worker;
    private readonly Stopwatch waited = new();

    private readonly object gate = new();
    private readonly bool[] ready;
    private readonly ExceptionDispatchInfo?[] failures;
    private long start;
    private long claimed;
    private long delivered;
    private long released;
    private bool filling;
    private bool holding;
    private bool reading;
    private volatile bool running;
    private volatile bool closing;

    /// <param name="fill">Creates item n in a buffer. It may stop early when not <see cref="Wanted"/>.</param>
    public Prefetcher(T[] buffers, Action<long, T> fill)
    {
        this.fill = fill;
        this.buffers = buffers;
        ready = new bool[buffers.Length];
        failures = new ExceptionDispatchInfo?[buffers.Length];
        worker = new Thread(Work) { IsBackground = true, Name = "data" };
        worker.Start();
    }

    /// <summary>Total time that the reader has waited, excluding time in which the worker itself was held (<see cref="Hold"/>).</summary>
    public TimeSpan Waited => waited.Elapsed;

    /// <summary>False if no reader needs the item being filled.</summary>
    public bool Wanted => running && !closing;

    /// <summary>
    /// The numbers `first` .. `first + count - 1` with their buffers, each valid until the next one is requested. Continues with prepared
    /// items if the last enumeration ended at `first`; otherwise they are dropped.
    /// </summary>
    public IEnumerable<(long Number, T Buffer)> Read(long first, int count)
    {
        Begin(first);
        try
        {
            for (var i = 0; i < count; i++)
            {
                yield return (first + i, Next());
            }
        }
        finally
        {
            End();
        }
    }

    /// <summary>
    /// Called by the worker to wait for the device, which is busy with earlier work of the reader. While it waits, a waiting reader is ahead of the
    /// device, so its time does not count as waiting for the worker.
    /// </summary>
    public void Hold(Action wait)
    {
        SetHolding(true);
        try
        {
            wait();
        }
        finally
        {
            SetHolding(false);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            closing = true;
            Monitor.PulseAll(gate);
        }

        worker.Join();
        foreach (var buffer in buffers)
        {
            buffer.Dispose();
        }
    }

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
            while (filling)
            {
                Monitor.Wait(gate);
            }

            (start, claimed, delivered, released) = (first, 0, 0, 0);
            Array.Clear(ready);
            running = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Returns the last buffer and waits for the next one.</summary>
    private T Next()
    {
        lock (gate)
        {
            Release();
            var slot = delivered % buffers.Length;
            while (!ready[slot] && !closing)
            {
                if (holding)
                    waited.Stop();
                else
                    waited.Start();
                Monitor.Wait(gate);
            }

            waited.Stop();
            ObjectDisposedException.ThrowIf(closing, this);
            ready[slot] = false;
            delivered++;
            running = failures[slot] is null;
            failures[slot]?.Throw();
            return buffers[slot];
        }
    }

    private void End()
    {
        lock (gate)
        {
            Release();
            reading = false;
        }
    }

    private void SetHolding(bool isHeld)
    {
        lock (gate)
        {
            holding = isHeld;
            Monitor.PulseAll(gate);
        }
    }

    private void Release()
    {
        released = delivered;
        Monitor.PulseAll(gate);
    }

    private void Work()
    {
        while (Claim() is { } number)
        {
            var slot = (number - start) % buffers.Length;
            try
            {
                failures[slot] = null;
                fill(number, buffers[slot]);
            }
            catch (Exception error)
            {
                failures[slot] = ExceptionDispatchInfo.Capture(error);
            }

            lock (gate)
            {
                ready[slot] = true;
                filling = false;
                Monitor.PulseAll(gate);
            }
        }
    }

    /// <summary>The next number to fill, as soon as a buffer is free; null when closing.</summary>
    private long? Claim()
    {
        lock (gate)
        {
            while (!closing && !(running && claimed - released < buffers.Length))
            {
                Monitor.Wait(gate);
            }

            if (closing)
            {
                return null;
            }

            filling = true;
            return start + claimed++;
        }
    }
}
