using ChannelDistillation.Native;
using ChannelDistillation.Specs;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>
/// How many runs of a cohort a GPU's memory holds together. It is measured: the runs are built one after another, on random images, and all that are
/// there do a step, until one finds no room.
/// </summary>
internal static class LaneFit
{
    /// <summary>Kept free: validation, the images, and memory in pieces that fit nothing.</summary>
    private const double Reserve = 0.08;

    /// <summary>The cohort in as few parts of nearly the same size as fit.</summary>
    /// <param name="memory">Of the device now; null: it does not say, and only what finds no room at all tells.</param>
    /// <param name="say">Told where there are several parts.</param>
    public static IReadOnlyList<IReadOnlyList<LaneSpec>> Split(
        IReadOnlyList<LaneSpec> cohort,
        torch.Device device,
        Func<(long Free, long Total)?> memory,
        Action<string> say
    )
    {
        if (cohort.Count == 1)
            return [cohort];
        int fitting = Count([.. cohort.Select(lane => lane.Spec)], device, memory);
        int parts = (cohort.Count + fitting - 1) / fitting;
        if (parts > 1)
            say($"Memory for {fitting} of {cohort.Count} runs together (measured): they are trained in {parts} parts, one after the other.");
        return [.. cohort.Chunk((cohort.Count + parts - 1) / parts)];
    }

    /// <returns>At least 1: a run that does not fit alone says so itself when it is trained.</returns>
    internal static int Count(IReadOnlyList<RunSpec> cohort, torch.Device device, Func<(long Free, long Total)?> memory)
    {
        int fitting = 0;
        try
        {
            TeacherSpec? teacher = cohort.Select(spec => spec.Teacher).FirstOrDefault(spec => spec is not null);
            using var rehearsal = new Rehearsal(cohort[0], teacher, device);
            foreach (RunSpec spec in cohort)
            {
                rehearsal.Add(spec);
                rehearsal.Step();
                if (memory() is var (free, total) && free < Reserve * total)
                    break;
                fitting++;
            }
        }
        catch (Exception error) when (Trouble.IsOutOfMemory(error))
        {
            // So many fit.
        }
        MemoryAllocator.GiveBack();
        return Math.Max(1, fitting);
    }
}
