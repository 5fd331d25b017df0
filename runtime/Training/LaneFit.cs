using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// Measures how many runs of a cohort fit in GPU memory. Runs are created one after another on random images, and all of them
/// do a step while <see cref="Reserve"/> is occupied as well, until memory runs out.
/// </summary>
internal static class LaneFit
{
    /// <summary>The fraction of memory kept free for validation, images, and fragmentation.</summary>
    public const double Reserve = 0.08;

    /// <summary>Splits the cohort into the fewest parts of nearly equal size that fit.</summary>
    /// <param name="reserve">Occupies <see cref="Reserve"/> of the device's memory until disposed; null if the device does not report its memory.</param>
    /// <param name="say">Receives a message if there are several parts.</param>
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
            say($"GPU memory holds {fitting} of {cohort.Count} runs at a time (measured): they are trained in {parts} parts, one after the other.");
        return [.. cohort.Chunk((cohort.Count + parts - 1) / parts)];
    }

    /// <returns>At least 1: a run that does not fit alone reports that itself in training.</returns>
    internal static int Count(IReadOnlyList<RunSpec> cohort, torch.Device device, Func<IDisposable?> reserve)
    {
        int fitting = 0;
        try
        {
            // A run without a teacher may have another precision than the others and their teacher.
            RunSpec any = cohort.FirstOrDefault(spec => spec.Teacher is not null) ?? cohort[0];
            using var profiler = new StepProfiler(any, any.Teacher, device);
            foreach (RunSpec spec in cohort)
            {
                profiler.Add(spec);
                using IDisposable? taken = reserve();
                profiler.Step();
                fitting++;
            }
        }
        catch (Exception error) when (DeviceErrors.IsOutOfMemory(error, device))
        {
            // Memory is exhausted; the count is known.
        }
        MemoryAllocator.GiveBack();
        return Math.Max(1, fitting);
    }
}
