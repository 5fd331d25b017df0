using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>Memory of the training device: total, free, and peak use.</summary>
internal static class DeviceMemory
{
    /// <summary>
    /// Whether this many bytes are at most an eighth of a GPU's free memory. This is tested by allocating: libtorch caches freed memory,
    /// which the GPU does not report as free, and releases it only when memory runs out.
    /// </summary>
    public static bool IsSmall(long bytes, Device device)
    {
        try
        {
            using Tensor taken = Take(8 * bytes, device);
            return true;
        }
        catch (ExternalException error) when (DeviceErrors.IsOutOfMemory(error, device))
        {
            return false;
        }
    }

    /// <summary>Allocates a share of a GPU's memory until the tensor is disposed; null if the GPU does not report its memory.</summary>
    /// <exception cref="ExternalException">That much is not free.</exception>
    public static Tensor? Take(double share, Device device) => Of(device) is var (_, total) ? Take((long)(share * total), device) : null;

    private static Tensor Take(long bytes, Device device) => empty([bytes], ScalarType.Byte, device);

    /// <summary>Free and total bytes of a GPU; null for another device, or if unknown.</summary>
    internal static (long Free, long Total)? Of(Device device)
    {
        if (device.type != DeviceType.CUDA || !Cuda.IsAvailable)
            return null;
        try
        {
            return Cuda.Memory(Math.Max(0, device.index));
        }
        catch (ExternalException)
        {
            // A lost device.
            return null;
        }
    }

    /// <summary>Peak memory use in bytes: of the whole GPU, because libtorch returns little of it; on the CPU, resident memory since <see cref="ForgetPeak"/>.</summary>
    /// <returns>Null for a GPU that does not report it.</returns>
    public static long? Peak(Device device)
    {
        if (device.type == DeviceType.CUDA)
            return Of(device) is var (free, total) ? total - free : null;
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>Waits until this GPU, which need not be the current one, has finished all its work. Does nothing on the CPU.</summary>
    /// <exception cref="ExternalException">The GPU is lost.</exception>
    public static void Synchronise(this Device device)
    {
        if (device.type == DeviceType.CUDA)
            cuda.synchronize(device);
    }

    /// <summary>Resets the peak of resident memory, on Linux; elsewhere it covers the whole process.</summary>
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
            // Not supported by this kernel or container.
        }
    }
}
