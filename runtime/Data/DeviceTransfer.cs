using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// Host memory that a loading thread fills repeatedly, and its copy on the device for the training thread. On the CPU both are the same tensor. On a
/// GPU the host memory is pinned and allocated once, and copies use a separate stream (<see cref="Cuda"/>), in parallel with computation:
/// on the GPU, a copy waits for the computation on the buffer's previous batch, and computation waits for the copy. The
/// loading thread waits for the last copy before it writes. The training thread never waits. Without a separate stream, the
/// training thread copies synchronously.
/// </summary>
internal sealed unsafe class DeviceTransfer : IDisposable
{
    private readonly Tensor host;
    private readonly CudaStream? queue;
    private readonly long bytes;
    private readonly nint copied;
    private readonly nint left;
    private bool isClosed;

    /// <param name="queue">The device's copy stream, shared by the buffers of a batch stream and closed after them; null if there is none.</param>
    public DeviceTransfer(long[] shape, ScalarType type, Device device, CudaStream? queue)
    {
        using Tensor plain = empty(shape, type);
        bool isSame = device.type is DeviceType.CPU;
        host = (device.type is DeviceType.CUDA ? plain.pin_memory() : plain.alias()).DetachFromDisposeScope();
        OnDevice = isSame ? host : empty(shape, type, device).DetachFromDisposeScope();
        bytes = host.numel() * host.element_size();
        fixed (byte* first = host.bytes)
        {
            Address = first;
        }

        this.queue = queue;
        if (queue is not null)
        {
            queue.Use();
            (copied, left) = (Cuda.NewEvent(), Cuda.NewEvent());
            // Its memory may have belonged to another tensor that the GPU is still using.
            Cuda.Record(left, Cuda.Computing);
        }
    }

    /// <summary>Address of the host memory.</summary>
    public void* Address { get; }

    public Tensor OnDevice { get; }

    /// <summary>Called by the loading thread before it writes.</summary>
    public void BeginWrite()
    {
        if (queue is null)
            return;
        queue.Use();
        Cuda.SynchronizeEvent(copied);
    }

    /// <summary>Called by the loading thread after it has written.</summary>
    public void Send()
    {
        if (queue is null)
            return;
        queue.Use();
        Cuda.WaitFor(left, queue.Handle);
        Cuda.Copy(Dispatcher.Address(OnDevice), Address, bytes, queue.Handle);
        Cuda.Record(copied, queue.Handle);
    }

    /// <summary>Called by the training thread before it uses the data.</summary>
    public void WaitForCopy()
    {
        if (queue is not null)
        {
            queue.Use();
            Cuda.WaitFor(copied, Cuda.Computing);
        }
        else if (!ReferenceEquals(host, OnDevice))
        {
            OnDevice.copy_(host);
        }
    }

    /// <summary>Called by the training thread after it has issued all work on the data.</summary>
    public void Leave()
    {
        if (queue is null || isClosed)
            return;
        queue.Use();
        Cuda.Record(left, Cuda.Computing);
    }

    public void Dispose()
    {
        if (isClosed)
            return;
        isClosed = true;
        if (queue is not null)
        {
            queue.Use();
            Cuda.SynchronizeStream(queue.Handle);
            Cuda.FreeEvent(copied);
            Cuda.FreeEvent(left);
        }

        OnDevice.Dispose();
        host.Dispose();
    }
}
