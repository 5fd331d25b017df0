using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>
/// A teacher that computes each view of each image once. If all requested outputs of a batch are cached, it does not run; if
/// nothing is missing, its weights are never loaded.
/// </summary>
internal sealed class CachedTeacher : ITeacher
{
    private readonly SignalStore store;
    private readonly Lazy<FrozenTeacher> teacher;
    private readonly int views;
    private readonly Taps everything;
    private readonly Action<string> remark;
    private bool isFull;

    /// <param name="store">This object takes ownership.</param>
    /// <param name="load">Loads the teacher; this object takes ownership of it.</param>
    /// <param name="views">Number of views of each image.</param>
    /// <param name="everything">What is cached: all that the runs read in any epoch, so that a loss that starts later finds it.</param>
    /// <param name="remark">Receives a message if nothing more can be cached.</param>
    public CachedTeacher(SignalStore store, Func<FrozenTeacher> load, int views, Taps everything, Action<string> remark)
    {
        this.store = store;
        // A separate thread has no dispose scope: weights loaded within a step must outlive it.
        teacher = new(() => Task.Run(load).GetAwaiter().GetResult());
        this.views = views;
        this.everything = everything;
        this.remark = remark;
    }

    public TeacherSignals Run(Batch batch, int epoch, Taps taps)
    {
        int view = (epoch - 1) % views;
        if (store.Read(batch.Indices.Span, view, taps, batch.Images.device) is ModelOutput kept)
            return new(kept, batch.Labels);
        TeacherSignals signals = teacher.Value.Run(batch, epoch, taps | everything);
        Keep(batch, view, signals);
        return signals;
    }

    public void Dispose()
    {
        if (teacher.IsValueCreated)
            teacher.Value.Dispose();
        store.Dispose();
    }

    private void Keep(Batch batch, int view, TeacherSignals signals)
    {
        if (isFull)
            return;
        try
        {
            store.Write(batch.Indices.Span, view, signals);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            isFull = true;
            remark($"The teacher's outputs can no longer be cached: {error.Message} The teacher runs on every batch that is not cached.");
        }
    }
}
