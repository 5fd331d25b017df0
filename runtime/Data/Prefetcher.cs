using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace ChannelDistillation.Data;

/// <summary>
/// A background thread that fills a few buffers, again and again, ahead of one reader. What is made is numbered: number n is a function
/// of n alone, and the reader gets the numbers in order, from any start.
/// </summary>
/// <remarks>
/// The i-th item after the start lies in buffer i modulo the number of buffers. The worker takes the next number as soon as its buffer
/// is free. One lock guards the counters; nobody holds it while filling.
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

    /// <param name="fill">Makes number n in a buffer. It may stop early when not <see cref="Wanted"/>.</param>
    public Prefetcher(T[] buffers, Action<long, T> fill)
    {
        this.fill = fill;
        this.buffers = buffers;
        ready = new bool[buffers.Length];
        failures = new ExceptionDispatchInfo?[buffers.Length];
        worker = new Thread(Work) { IsBackground = true, Name = "data" };
        worker.Start();
    }

    /// <summary>How long the reader has waited so far, in all; without the time in which the worker itself was held (<see cref="Hold"/>).</summary>
    public TimeSpan Waited => waited.Elapsed;

    /// <summary>False while nobody will look at what is being filled.</summary>
    public bool Wanted => running && !closing;

    /// <summary>
    /// The numbers `first` .. `first + count - 1` with their buffers, each valid until the next one is asked for. Goes on with what is
    /// prepared if the last reading ended at `first`; otherwise that is dropped.
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
    /// Worker: waits for the device, which has work of the reader's in front of what is asked of it. A reader that waits meanwhile is ahead of the
    /// device, and does not wait for the worker.
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

    /// <summary>Gives the last buffer back and waits for the next one.</summary>
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

    /// <summary>The next number to make, as soon as there is a buffer for it; null when all is over.</summary>
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
