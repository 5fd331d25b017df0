using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>Memory of the device that is trained on: what there is, and the most that was taken.</summary>
internal static class DeviceMemory
{
    /// <summary>Where a GPU does not say how much it has free, so much is taken to be there.</summary>
    private const long Supposed = 8L << 30;

    /// <summary>Whether so many bytes are no more than an eighth of what is free on a GPU.</summary>
    public static bool IsSmall(long bytes, Device device) => bytes <= (Of(device)?.Free ?? Supposed) / 8;

    /// <summary>
    /// Bytes of a GPU, free and in all. libtorch keeps what it once took for the next tensor, so that the difference is the most that was ever
    /// taken. Null: the device is none, or does not say.
    /// </summary>
    public static (long Free, long Total)? Of(Device device) =>
        device.type == DeviceType.CUDA && Cuda.IsThere ? Cuda.Memory(Math.Max(0, device.index)) : null;

    /// <summary>The most memory in bytes that this process held on the device: of the GPU, else resident memory since <see cref="ForgetPeak"/>.</summary>
    /// <returns>Null: a GPU that does not say.</returns>
    public static long? Peak(Device device)
    {
        if (device.type == DeviceType.CUDA)
            return Of(device) is var (free, total) ? total - free : null;
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>Starts the peak of resident memory anew, on Linux; elsewhere it stays that of the whole process.</summary>
    public static void ForgetPeak()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            // proc_pid_clear_refs(5): 5 resets the peak resident set size.
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A kernel or a container without it.
        }
    }
}
