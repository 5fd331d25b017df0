using System.Collections.Concurrent;
using ChannelDistillation.Imaging;

namespace ChannelDistillation.Data.ImageFolders;

/// <summary>What one thread needs to read photographs, kept from one to the next.</summary>
internal sealed class DecodingWorker : IDisposable
{
    public ImageDecoder Decoder { get; } = new();

    public Resampler Resampler { get; } = new();

    /// <summary>For the content of a file.</summary>
    public NativeBuffer File { get; } = new();

    public void Dispose()
    {
        Decoder.Dispose();
        Resampler.Dispose();
        File.Dispose();
    }
}

/// <summary>As many workers as there were ever threads at work at once.</summary>
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
