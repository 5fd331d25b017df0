using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>
/// Frees small native objects that only finalizers free: TorchSharp creates a Scalar for every `a + b`. They are few, but each
/// may lie within memory freed by a large tensor, which is then too small for the next one: without this, a process of 300 MiB
/// grows to 2 GiB within minutes.
/// </summary>
internal static class NativeHandles
{
    private const int Every = 8;

    [ThreadStatic]
    private static int steps;

    /// <summary>Call after each training step of each lane; acts after every eighth.</summary>
    public static void StepEnded()
    {
        if (++steps % Every != 0)
            return;
        // A few steps only fill the youngest generation, which takes well under a millisecond.
        GC.Collect(0);
        GC.WaitForPendingFinalizers();
    }
}

/// <summary>Transfers small tensors from the host to the device.</summary>
internal static class HostTransfer
{
    /// <summary>
    /// The tensor on a device. A GPU receives it from a pinned copy without blocking: libtorch reuses the copy's memory only after the
    /// GPU has read it.
    /// </summary>
    /// <param name="host">On the CPU.</param>
    public static Tensor ToDevice(this Tensor host, Device device)
    {
        if (device.type != DeviceType.CUDA)
            return host.to(device);
        using Tensor pinned = host.pin_memory();
        return pinned.to(device, non_blocking: true);
    }
}
