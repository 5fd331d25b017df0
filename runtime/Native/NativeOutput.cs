using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// Silences libtorch's messages on standard error: its errors arrive as exceptions, and its warnings address callers of its
/// functions, not users of this program.
/// </summary>
public static class NativeWarnings
{
    /// <summary>libtorch's own variable, which only its Python module reads. If it is set, warnings are not silenced.</summary>
    private const string Variable = "TORCH_CPP_LOG_LEVEL";

    private const int Errors = 2; // c10::GLOG_ERROR

    private static readonly Lazy<bool> Silenced = new(() =>
    {
        // A convolution that tries NNPACK prints a warning on unsupported CPUs; with oneDNN, NNPACK is not needed.
        TorchContext.UseNnpack(false);
        return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } || TrySetLogLevel(Errors);
    });

    /// <summary>Call before anything is computed; acts only the first time. No effect where libtorch has other symbol names (Windows).</summary>
    public static void Silence() => _ = Silenced.Value;

    private static unsafe bool TrySetLogLevel(int level)
    {
        if (
            !NativeLibrary.TryLoad("c10", typeof(NativeWarnings).Assembly, null, out nint c10)
            || !NativeLibrary.TryGetExport(c10, "FLAGS_caffe2_log_level", out nint address)
        )
            return false;
        *(int*)address = level;
        return true;
    }
}

/// <summary>Reserves standard output for this program's own messages: native libraries print to its file descriptor.</summary>
public static partial class StandardOutput
{
    private const int Output = 1;
    private const int Error = 2;

    /// <summary>
    /// Takes over standard output; anything else printed to it from now on, by this program or a library, goes to standard
    /// error. Call before a native library that may print is loaded. On Windows native libraries keep writing to it.
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
