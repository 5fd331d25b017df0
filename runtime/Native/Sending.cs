using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>How small tensors that a step makes on the host get to the device.</summary>
internal static class Sending
{
    /// <summary>
    /// The tensor on a device. A GPU gets it from a pinned copy, so that nothing waits: libtorch hands the copy's memory out again only when the
    /// GPU has read it.
    /// </summary>
    /// <param name="host">On the CPU.</param>
    public static Tensor SentTo(this Tensor host, Device device)
    {
        if (device.type != DeviceType.CUDA)
            return host.to(device);
        using Tensor pinned = host.pin_memory();
        return pinned.to(device, non_blocking: true);
    }
}
