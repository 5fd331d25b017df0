using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// The few functions of NVIDIA's CUDA runtime that neither TorchSharp nor libtorch's C interface offers: a queue for copies beside the one that
/// computes, events between the two, and how much memory is free. It is the library that libtorch has loaded itself; where that is not found,
/// <see cref="IsThere"/> is false and callers have another way.
/// </summary>
internal static unsafe class Cuda
{
    private const uint NonBlocking = 1; // cudaStreamNonBlocking
    private const uint WithoutTiming = 2; // cudaEventDisableTiming
    private const int HostToDevice = 1; // cudaMemcpyHostToDevice

    /// <summary>The queue in which libtorch computes where nobody chose another one: CUDA's default stream of the current device.</summary>
    public const nint Computing = 0;

    private static readonly Lazy<nint> Library = new(Find);

    public static bool IsThere => Library.Value != 0;

    /// <summary>Bytes of a GPU: free, and in all.</summary>
    public static (long Free, long Total) Memory(int device)
    {
        Use(device);
        (nuint free, nuint total) = (0, 0);
        Check(((delegate* unmanaged<nuint*, nuint*, int>)Function("cudaMemGetInfo"))(&free, &total));
        return ((long)free, (long)total);
    }

    /// <summary>As its driver calls it, `NVIDIA H100 80GB HBM3`; null: not known.</summary>
    public static string? Name(int device)
    {
        const int length = 256;
        byte* name = stackalloc byte[length];
        nint function = OfDriver("cuDeviceGetName");
        bool isKnown = function != 0 && ((delegate* unmanaged<byte*, int, int, int>)function)(name, length, device) == 0;
        return isKnown ? Marshal.PtrToStringUTF8((nint)name) : null;
    }

    /// <summary>What its driver says: 9.0 for an H100; null: not known.</summary>
    public static Version? Capability(int device)
    {
        const int majorNumber = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
        const int minorNumber = 76;
        nint function = OfDriver("cuDeviceGetAttribute");
        if (function == 0)
            return null;
        var read = (delegate* unmanaged<int*, int, int, int>)function;
        (int major, int minor) = (0, 0);
        return read(&major, majorNumber, device) == 0 && read(&minor, minorNumber, device) == 0 ? new Version(major, minor) : null;
    }

    /// <summary>Makes a GPU the current one of this thread, to which queues and events belong.</summary>
    public static void Use(int device) => Check(((delegate* unmanaged<int, int>)Function("cudaSetDevice"))(device));

    /// <summary>A queue that neither waits for <see cref="Computing"/> nor makes it wait.</summary>
    public static nint NewQueue()
    {
        nint queue;
        Check(((delegate* unmanaged<nint*, uint, int>)Function("cudaStreamCreateWithFlags"))(&queue, NonBlocking));
        return queue;
    }

    public static nint NewEvent()
    {
        nint made;
        Check(((delegate* unmanaged<nint*, uint, int>)Function("cudaEventCreateWithFlags"))(&made, WithoutTiming));
        return made;
    }

    /// <summary>The event happens when all that is in the queue now is done.</summary>
    public static void Record(nint happening, nint queue) =>
        Check(((delegate* unmanaged<nint, nint, int>)Function("cudaEventRecord"))(happening, queue));

    /// <summary>What is put into the queue from now on waits for the event on the GPU; nothing waits here. An event never recorded has happened.</summary>
    public static void WaitFor(nint happening, nint queue) =>
        Check(((delegate* unmanaged<nint, nint, uint, int>)Function("cudaStreamWaitEvent"))(queue, happening, 0));

    /// <summary>Waits here until an event has happened.</summary>
    public static void Await(nint happening) => Check(((delegate* unmanaged<nint, int>)Function("cudaEventSynchronize"))(happening));

    /// <summary>Waits here until a queue is empty.</summary>
    public static void AwaitAll(nint queue) => Check(((delegate* unmanaged<nint, int>)Function("cudaStreamSynchronize"))(queue));

    /// <summary>Puts a copy from pinned host memory to the GPU into a queue.</summary>
    public static void Copy(nint device, void* host, long bytes, nint queue) =>
        Check(
            ((delegate* unmanaged<nint, void*, nuint, int, nint, int>)Function("cudaMemcpyAsync"))(device, host, (nuint)bytes, HostToDevice, queue)
        );

    public static void FreeQueue(nint queue) => Check(((delegate* unmanaged<nint, int>)Function("cudaStreamDestroy"))(queue));

    public static void FreeEvent(nint happening) => Check(((delegate* unmanaged<nint, int>)Function("cudaEventDestroy"))(happening));

    /// <returns>0: there is no driver, or it is too old.</returns>
    private static nint OfDriver(string name) =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library)
        && NativeLibrary.TryGetExport(library, name, out nint function)
            ? function
            : 0;

    private static nint Function(string name) => NativeLibrary.GetExport(Library.Value, name);

    /// <summary>Under whatever name libtorch's package gives it: libcudart.so.12, libcudart-c3a75b33.so.12, cudart64_12.dll.</summary>
    private static nint Find()
    {
        using var process = Process.GetCurrentProcess();
        string? file = process
            .Modules.Cast<ProcessModule>()
            .Where(module =>
                module.ModuleName.StartsWith("libcudart", StringComparison.Ordinal)
                || module.ModuleName.StartsWith("cudart64", StringComparison.Ordinal)
            )
            .Select(module => module.FileName)
            .FirstOrDefault();
        return file is not null && NativeLibrary.TryLoad(file, out nint library) ? library : 0;
    }

    private static void Check(int error)
    {
        // In libtorch's words, so that whoever reads them need not know who was told.
        if (error != 0)
            throw new ExternalException(
                $"CUDA error: {Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Function("cudaGetErrorString"))(error))}",
                error
            );
    }
}
