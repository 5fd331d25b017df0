using System.Collections.Concurrent;

namespace ChannelDistillation.Data.Photographs;

/// <summary>As many workers as there were ever threads at work at once.</summary>
internal sealed class WorkerPool : IDisposable
{
    private readonly ConcurrentBag<Worker> idle = [];

    public Worker Rent() => idle.TryTake(out var worker) ? worker : new Worker();

    public void Return(Worker worker) => idle.Add(worker);

    public void Dispose()
    {
        while (idle.TryTake(out var worker))
        {
            worker.Dispose();
        }
    }
}
