using System.Collections.Concurrent;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>Buffers with which one thread reads images, reused between images.</summary>
internal sealed class DecodingWorker : IDisposable
{
    public ImageDecoder Decoder { get; } = new();

    public Resampler Resampler { get; } = new();

    /// <summary>Buffer for the content of a file.</summary>
    public NativeBuffer File { get; } = new();

    public void Dispose()
    {
        Decoder.Dispose();
        Resampler.Dispose();
        File.Dispose();
    }
}

/// <summary>A pool of workers, as many as threads were ever active at the same time.</summary>
internal sealed class DecodingWorkers : IDisposable
{
    private readonly ConcurrentBag<DecodingWorker> idle = [];

    public DecodingWorker Rent() => idle.TryTake(out var worker) ? worker : new DecodingWorker();

    public void Return(DecodingWorker worker) => idle.Add(worker);

    public void Dispose()
    {
        while (idle.TryTake(out var worker))
        {
            worker.Dispose();
        }
    }
}
