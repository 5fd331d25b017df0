using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// Configures the C library's allocator. A training step frees hundreds of megabytes and allocates the same again in the next one; glibc's
/// defaults return much of it to the system, which then clears every page again, and fragment the heap.
/// </summary>
public static partial class MemoryAllocator
{
    // Option numbers of glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    /// <summary>
    /// Keeps freed memory for the next step. On the CPU all threads share one heap, so that tensors allocated by a loading thread and freed by the training
    /// thread fill each other's gaps. With a GPU the heap contains no tensors of a step, and sharing it would make the threads that issue work and
    /// those that prepare batches wait for each other. Does nothing with another C library, or if the user has configured it with
    /// MALLOC_* or GLIBC_TUNABLES. Call before the program has other threads.
    /// </summary>
    /// <param name="isForGpu">Whether the process may train on a GPU.</param>
    public static void KeepMemory(bool isForGpu = false)
    {
        if (!OperatingSystem.IsLinux() || IsSetUpByUser())
            return;
        try
        {
            SetOption(TrimThreshold, -1);
            SetOption(MmapThreshold, 1 << 30);
            SetOption(TopPad, 64 << 20);
            if (!isForGpu)
                SetOption(ArenaMax, 1);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library (musl has no mallopt), which keeps its defaults.
        }
    }

    /// <summary>Returns freed memory to the system, once: after freeing much that no later step will need.</summary>
    public static void GiveBack()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            Trim(0);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library.
        }
    }

    private static bool IsSetUpByUser() =>
        Environment
            .GetEnvironmentVariables()
            .Keys.Cast<string>()
            .Any(name => name == "GLIBC_TUNABLES" || name.StartsWith("MALLOC_", StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint pad);
}
