using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// Functions of NVIDIA's CUDA runtime that neither TorchSharp nor libtorch's C interface offers: a separate stream for copies,
/// events between streams, and free memory. It is the library that libtorch itself has loaded. If that is not found,
/// <see cref="IsAvailable"/> is false and callers have a fallback.
/// </summary>
internal static unsafe class Cuda
{
    private const uint NonBlocking = 1; // cudaStreamNonBlocking
    private const uint WithoutTiming = 2; // cudaEventDisableTiming
    private const int HostToDevice = 1; // cudaMemcpyHostToDevice

    /// <summary>libtorch's default stream: CUDA's default stream of the current device.</summary>
    public const nint Computing = 0;

    private static readonly Lazy<nint> Library = new(Find);

    public static bool IsAvailable => Library.Value != 0;

    /// <summary>Free and total bytes of a GPU.</summary>
    public static (long Free, long Total) Memory(int device)
    {
        Use(device);
        (nuint free, nuint total) = (0, 0);
        Check(((delegate* unmanaged<nuint*, nuint*, int>)Function("cudaMemGetInfo"))(&free, &total));
        return ((long)free, (long)total);
    }

    /// <summary>Name of a GPU from its driver, `NVIDIA H100 80GB HBM3`; null if unknown.</summary>
    public static string? Name(int device)
    {
        const int length = 256;
        byte* name = stackalloc byte[length];
        nint function = DriverFunction("cuDeviceGetName");
        bool isKnown = function != 0 && ((delegate* unmanaged<byte*, int, int, int>)function)(name, length, device) == 0;
        return isKnown ? Marshal.PtrToStringUTF8((nint)name) : null;
    }

    /// <summary>Compute capability from the driver: 9.0 for an H100; null if unknown.</summary>
    public static Version? Capability(int device)
    {
        const int majorNumber = 75; // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
        const int minorNumber = 76;
        nint function = DriverFunction("cuDeviceGetAttribute");
        if (function == 0)
            return null;
        var read = (delegate* unmanaged<int*, int, int, int>)function;
        (int major, int minor) = (0, 0);
        return read(&major, majorNumber, device) == 0 && read(&minor, minorNumber, device) == 0 ? new Version(major, minor) : null;
    }

    /// <summary>Makes a GPU the current one of this thread, to which new streams and events belong.</summary>
    public static void Use(int device) => Check(((delegate* unmanaged<int, int>)Function("cudaSetDevice"))(device));

    /// <summary>Creates a stream that does not synchronise with <see cref="Computing"/>.</summary>
    public static nint CreateStream()
    {
        nint stream;
        Check(((delegate* unmanaged<nint*, uint, int>)Function("cudaStreamCreateWithFlags"))(&stream, NonBlocking));
        return stream;
    }

    public static nint NewEvent()
    {
        nint cudaEvent;
        Check(((delegate* unmanaged<nint*, uint, int>)Function("cudaEventCreateWithFlags"))(&cudaEvent, WithoutTiming));
        return cudaEvent;
    }

    /// <summary>Records an event: it completes when all work now in the stream is done.</summary>
    public static void Record(nint cudaEvent, nint stream) =>
        Check(((delegate* unmanaged<nint, nint, int>)Function("cudaEventRecord"))(cudaEvent, stream));

    /// <summary>Makes later work in the stream wait for the event on the GPU, without blocking the caller. An event that was never recorded counts as completed.</summary>
    public static void WaitFor(nint cudaEvent, nint stream) =>
        Check(((delegate* unmanaged<nint, nint, uint, int>)Function("cudaStreamWaitEvent"))(stream, cudaEvent, 0));

    /// <summary>Blocks until an event has completed.</summary>
    public static void SynchronizeEvent(nint cudaEvent) => Check(((delegate* unmanaged<nint, int>)Function("cudaEventSynchronize"))(cudaEvent));

    /// <summary>Blocks until a stream is empty.</summary>
    public static void SynchronizeStream(nint stream) => Check(((delegate* unmanaged<nint, int>)Function("cudaStreamSynchronize"))(stream));

    /// <summary>Adds a copy from pinned host memory to the GPU to a stream.</summary>
    public static void Copy(nint device, void* host, long bytes, nint stream) =>
        Check(
            ((delegate* unmanaged<nint, void*, nuint, int, nint, int>)Function("cudaMemcpyAsync"))(device, host, (nuint)bytes, HostToDevice, stream)
        );

    public static void DestroyStream(nint stream) => Check(((delegate* unmanaged<nint, int>)Function("cudaStreamDestroy"))(stream));

    public static void FreeEvent(nint cudaEvent) => Check(((delegate* unmanaged<nint, int>)Function("cudaEventDestroy"))(cudaEvent));

    /// <returns>0 if there is no driver, or it is too old.</returns>
    private static nint DriverFunction(string name) =>
        NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out nint library)
        && NativeLibrary.TryGetExport(library, name, out nint function)
            ? function
            : 0;

    private static nint Function(string name) => NativeLibrary.GetExport(Library.Value, name);

    /// <summary>Finds the library under any of its names: libcudart.so.12, libcudart-c3a75b33.so.12, cudart64_12.dll.</summary>
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
        // In libtorch's format, so that callers can handle both alike.
        if (error != 0)
            throw new ExternalException(
                $"CUDA error: {Marshal.PtrToStringUTF8(((delegate* unmanaged<int, nint>)Function("cudaGetErrorString"))(error))}",
                error
            );
    }
}
