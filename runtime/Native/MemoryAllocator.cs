using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// How the C library hands out memory. A training step frees hundreds of megabytes and asks for the same again in the next one; glibc's
/// defaults return much of it to the system, which then clears every page anew, and let the heap fall to pieces where it is not returned.
/// </summary>
public static partial class MemoryAllocator
{
    // Option numbers of glibc's malloc.h.
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    /// <summary>
    /// Keeps freed memory for the next step. On the CPU all threads share one heap: tensors made by a loading thread and freed by the training
    /// thread fill each other's gaps. With a GPU the heap holds no tensors of a step, and a shared one would make the threads that issue work and
    /// those that prepare batches wait for one another. Does nothing where the C library is another one, nor where the user has set it up by
    /// MALLOC_* or GLIBC_TUNABLES. To be called before the program has other threads.
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
            // Another C library (musl has no mallopt): its own ways are then as good as any.
        }
    }

    /// <summary>Gives freed memory back to the system, once: after much of it was freed that no step is going to ask for again.</summary>
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
