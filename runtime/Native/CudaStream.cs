using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Native;

/// <summary>A separate CUDA stream for copies from the host, which run in parallel with computation.</summary>
internal sealed class CudaStream : IDisposable
{
    private readonly int device;
    private bool isClosed;

    private CudaStream(int device)
    {
        this.device = device;
        Use();
        Handle = Cuda.CreateStream();
    }

    public nint Handle { get; }

    /// <returns>Null for the CPU, and if libtorch's CUDA runtime is not found.</returns>
    public static CudaStream? Of(Device device) =>
        device.type == DeviceType.CUDA && Cuda.IsAvailable && Dispatcher.HasAddresses ? new(Math.Max(0, device.index)) : null;

    /// <summary>Call on a thread before it adds work to this stream or the default stream.</summary>
    public void Use() => Cuda.Use(device);

    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        Use();
        Cuda.DestroyStream(Handle);
    }
}
