using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// How many runs of a cohort a GPU's memory holds together. It is measured: the runs are built one after another, on random images, and all that are
/// there do a step while <see cref="Reserve"/> is taken as well, until one finds no room.
/// </summary>
internal static class LaneFit
{
    /// <summary>The share of the memory that is kept free: validation, the images, and memory in pieces that fit nothing.</summary>
    public const double Reserve = 0.08;

    /// <summary>The cohort in as few parts of nearly the same size as fit.</summary>
    /// <param name="reserve">Takes <see cref="Reserve"/> of the device's memory, until it is disposed; null: the device does not say how much that is.</param>
    /// <param name="say">Told where there are several parts.</param>
    public static IReadOnlyList<IReadOnlyList<LaneSpec>> Split(
        IReadOnlyList<LaneSpec> cohort,
        torch.Device device,
        Func<IDisposable?> reserve,
        Action<string> say
    )
    {
        if (cohort.Count == 1)
            return [cohort];
        int fitting = Count([.. cohort.Select(lane => lane.Spec)], device, reserve);
        int parts = (cohort.Count + fitting - 1) / fitting;
        if (parts > 1)
            say($"Memory for {fitting} of {cohort.Count} runs together (measured): they are trained in {parts} parts, one after the other.");
        return [.. cohort.Chunk((cohort.Count + parts - 1) / parts)];
    }

    /// <returns>At least 1: a run that does not fit alone says so itself when it is trained.</returns>
    internal static int Count(IReadOnlyList<RunSpec> cohort, torch.Device device, Func<IDisposable?> reserve)
    {
        int fitting = 0;
        try
        {
            // A run without a teacher may compute in another precision than the others, and the teacher with them.
            RunSpec any = cohort.FirstOrDefault(spec => spec.Teacher is not null) ?? cohort[0];
            using var rehearsal = new StepProfiler(any, any.Teacher, device);
            foreach (RunSpec spec in cohort)
            {
                rehearsal.Add(spec);
                using IDisposable? taken = reserve();
                rehearsal.Step();
                fitting++;
            }
        }
        catch (Exception error) when (DeviceErrors.IsOutOfMemory(error, device))
        {
            // So many fit.
        }
        MemoryAllocator.GiveBack();
        return Math.Max(1, fitting);
    }
}
