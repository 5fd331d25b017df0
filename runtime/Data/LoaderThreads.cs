using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>How many threads prepare a batch.</summary>
internal static class LoaderThreads
{
    /// <summary>On CUDA: the thread that issues the GPU's work, and that of the backward pass. A core that they wait for keeps the GPU waiting.</summary>
    private const int Issuing = 2;

    /// <param name="wanted">As many as what is prepared could use.</param>
    public static int Of(int wanted, Device device) => Of(wanted, device.type, Environment.ProcessorCount);

    internal static int Of(int wanted, DeviceType device, int cores) => device == DeviceType.CUDA ? Math.Clamp(cores - Issuing, 1, wanted) : wanted;
}
