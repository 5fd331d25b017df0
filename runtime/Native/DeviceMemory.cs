using System.Diagnostics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>Memory of the device that is trained on: what there is, and the most that was taken.</summary>
internal static class DeviceMemory
{
    /// <summary>
    /// Whether so many bytes are no more than an eighth of what is free on a GPU. That is tried: libtorch keeps what it once took for the next tensor,
    /// which the GPU does not call free, and gives it back only when there is no room otherwise.
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

    /// <summary>Takes a share of a GPU's memory, until the tensor is disposed; null where it does not say how much it has.</summary>
    /// <exception cref="ExternalException">So much is not free.</exception>
    public static Tensor? Take(double share, Device device) => Of(device) is var (_, total) ? Take((long)(share * total), device) : null;

    private static Tensor Take(long bytes, Device device) => empty([bytes], ScalarType.Byte, device);

    /// <summary>Bytes of a GPU, free and in all. Null: the device is none, or does not say.</summary>
    internal static (long Free, long Total)? Of(Device device)
    {
        if (device.type != DeviceType.CUDA || !Cuda.IsThere)
            return null;
        try
        {
            return Cuda.Memory(Math.Max(0, device.index));
        }
        catch (ExternalException)
        {
            // One that is lost.
            return null;
        }
    }

    /// <summary>The most memory in bytes that was in use on the device: of the GPU, which libtorch gives little back to, else resident memory since <see cref="ForgetPeak"/>.</summary>
    /// <returns>Null: a GPU that does not say.</returns>
    public static long? Peak(Device device)
    {
        if (device.type == DeviceType.CUDA)
            return Of(device) is var (free, total) ? total - free : null;
        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    /// <summary>Waits until a GPU has done all that it was given: this one, which need not be the process's current one. Nothing on the CPU.</summary>
    /// <exception cref="ExternalException">The GPU is lost.</exception>
    public static void Synchronise(this Device device)
    {
        if (device.type == DeviceType.CUDA)
            cuda.synchronize(device);
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
