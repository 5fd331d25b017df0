using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Data;

/// <summary>
/// Host memory that a loading thread fills again and again, and what the training thread sees of it on the device. On the CPU both are one. On a
/// GPU the host memory is pinned and made once, and copies go through a queue of their own (<see cref="Cuda"/>), beside the computation:
/// the copy waits on the GPU until the batch before it in this buffer was computed with, the computation waits on the GPU for the copy, and the
/// loading thread, before it writes, waits for the last copy to be over. The training thread waits for nothing. Without such a queue the
/// training thread copies, and waits for it.
/// </summary>
internal sealed unsafe class DeviceTransfer : IDisposable
{
    private readonly Tensor host;
    private readonly CudaStream? queue;
    private readonly long bytes;
    private readonly nint copied;
    private readonly nint left;
    private bool isClosed;

    /// <param name="queue">Of the device, shared by the buffers of a stream and closed after them; null: there is none.</param>
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
            // Its memory may have been another tensor's, which the GPU still computes with.
            Cuda.Record(left, Cuda.Computing);
        }
    }

    /// <summary>Of the host memory.</summary>
    public void* Address { get; }

    public Tensor OnDevice { get; }

    /// <summary>Loading thread, before it writes.</summary>
    public void Refill()
    {
        if (queue is null)
            return;
        queue.Use();
        Cuda.Await(copied);
    }

    /// <summary>Loading thread, when all is written.</summary>
    public void Send()
    {
        if (queue is null)
            return;
        queue.Use();
        Cuda.WaitFor(left, queue.Handle);
        Cuda.Copy(Dispatcher.Address(OnDevice), Address, bytes, queue.Handle);
        Cuda.Record(copied, queue.Handle);
    }

    /// <summary>Training thread, before it computes with what was sent.</summary>
    public void Arrive()
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

    /// <summary>Training thread, when it asks for no more computation with it.</summary>
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
            Cuda.AwaitAll(queue.Handle);
            Cuda.FreeEvent(copied);
            Cuda.FreeEvent(left);
        }

        OnDevice.Dispose();
        host.Dispose();
    }
}
