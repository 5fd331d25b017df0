using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>Memory that libtorch has freed, but that the C library keeps for its next allocation.</summary>
internal static unsafe class FreedMemory
{
    /// <summary>Gives it back to the system, where there is a call for it (glibc): tensors of another size, and .NET, can have it then.</summary>
    public static void GiveBack()
    {
        // What still waits for its finalizer.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "malloc_trim", out nint trim))
            ((delegate* unmanaged<nuint, int>)trim)(0);
    }
}
