using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>Keeps a process's standard output for its own messages: native libraries know it by its number alone, and print to it.</summary>
public static partial class StandardOutput
{
    private const int Output = 1;
    private const int Error = 2;

    /// <summary>
    /// Takes standard output for the caller alone; whatever else is printed to it from now on, by this program or by a library, goes to standard
    /// error. To be called before a native library is loaded that may print. On Windows native libraries keep writing to it.
    /// </summary>
    public static Stream Take()
    {
        // On Unix .NET opens a duplicate of the descriptor, which child processes do not inherit.
        Stream output = Console.OpenStandardOutput();
        if (!OperatingSystem.IsWindows())
            _ = Replace(Error, Output);
        Console.SetOut(Console.Error);
        return output;
    }

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Replace(int with, int descriptor);
}
