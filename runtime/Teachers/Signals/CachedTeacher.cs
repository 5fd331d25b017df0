using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>
/// A teacher that is asked once about each view of each image. Where everything that is wanted of a batch is kept it is not asked, and
/// where nothing is ever missing its weights are not even loaded.
/// </summary>
internal sealed class CachedTeacher : ITeacher
{
    private readonly SignalStore store;
    private readonly Lazy<FrozenTeacher> teacher;
    private readonly int views;
    private readonly Taps everything;
    private readonly Action<string> remark;
    private bool isFull;

    /// <param name="store">Owned by this object from now on.</param>
    /// <param name="load">Loads the teacher; so it is, too.</param>
    /// <param name="views">Views of each image.</param>
    /// <param name="everything">What is kept: what the runs read in any epoch, so that a loss that starts later finds it.</param>
    /// <param name="remark">Told where nothing more can be kept.</param>
    public CachedTeacher(SignalStore store, Func<FrozenTeacher> load, int views, Taps everything, Action<string> remark)
    {
        this.store = store;
        // On a thread of its own there is no dispose scope: weights that are loaded within a step must outlive it.
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
            remark($"No more of what the teacher says can be kept: {error.Message} It is asked about every batch that is not kept yet.");
        }
    }
}
