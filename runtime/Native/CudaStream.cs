using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>A GPU's queue for copies from the host, of its own so that they go on beside the computation.</summary>
internal sealed class CudaStream : IDisposable
{
    private readonly int device;
    private bool isClosed;

    private CudaStream(int device)
    {
        this.device = device;
        Use();
        Handle = Cuda.NewQueue();
    }

    public nint Handle { get; }

    /// <returns>Null for the CPU, and where libtorch's CUDA runtime is not found.</returns>
    public static CudaStream? Of(Device device) =>
        device.type == DeviceType.CUDA && Cuda.IsThere && Dispatcher.HasAddresses ? new(Math.Max(0, device.index)) : null;

    /// <summary>To be called by a thread before it puts something into this queue or that of the computation.</summary>
    public void Use() => Cuda.Use(device);

    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        Use();
        Cuda.FreeQueue(Handle);
    }
}
