using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>Environment variables as native libraries see them: on Unix, Environment.SetEnvironmentVariable changes a copy that they do not see.</summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable that the user has not set, on Unix without passing it on to processes that this one starts.</summary>
    public static void Set(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is { Length: > 0 })
            return;
        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(name, value);
            return;
        }
        try
        {
            SetVariable(name, value, 0);
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library.
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}

/// <summary>
/// How long OpenMP's threads spin before they sleep while they wait for one another. GNU's default is many milliseconds: quick on an idle
/// machine, and up to ten times slower when anything else wants the cores, because a waiting thread keeps one from a working thread.
/// </summary>
public static class OpenMp
{
    /// <summary>Microseconds (docs/decisions/0015).</summary>
    private const string SpinCount = "1000";

    /// <summary>
    /// To be called before libtorch, and OpenMP with it, is loaded. Does nothing where the user has said how threads are to wait.
    /// </summary>
    public static void LimitSpinning()
    {
        if (!OperatingSystem.IsLinux() || IsSet("OMP_WAIT_POLICY") || IsSet("GOMP_SPINCOUNT"))
            return;
        NativeEnvironment.Set("GOMP_SPINCOUNT", SpinCount);
    }

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };
}
