using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// What libtorch prints to standard error without being asked: its errors arrive as exceptions, and its warnings are for those who call its
/// functions, not for those who train with this program.
/// </summary>
public static class NativeWarnings
{
    /// <summary>libtorch's own variable, which only its Python module reads. Where it is set, warnings stay as they are.</summary>
    private const string Variable = "TORCH_CPP_LOG_LEVEL";

    private const int Errors = 2; // c10::GLOG_ERROR

    private static readonly Lazy<bool> Silenced = new(() =>
    {
        // A convolution that asks for it prints a warning on CPUs that NNPACK does not know, and prefers oneDNN where it can choose.
        TorchContext.UseNnpack(false);
        return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } || TrySetLogLevel(Errors);
    });

    /// <summary>To be called before anything is computed; does something the first time only. Without effect where libtorch has other names (Windows).</summary>
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
