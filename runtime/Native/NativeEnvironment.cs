using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>Environment variables as seen by native libraries. On Unix, Environment.SetEnvironmentVariable changes a copy that they do not see.</summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable that the user has not set; on Unix it is not passed on to child processes.</summary>
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
/// How long OpenMP's threads spin before they sleep when waiting for each other. GNU's default is many milliseconds: fast on an idle
/// machine, but up to ten times slower under other load, because waiting threads occupy cores that working threads need.
/// </summary>
public static class OpenMp
{
    /// <summary>Microseconds (docs/decisions/0015).</summary>
    private const string SpinCount = "1000";

    /// <summary>
    /// Limits spinning. Call before libtorch, and OpenMP with it, is loaded. Does nothing if the user has configured how threads wait.
    /// </summary>
    public static void LimitSpinning()
    {
        if (!OperatingSystem.IsLinux() || IsSet("OMP_WAIT_POLICY") || IsSet("GOMP_SPINCOUNT"))
            return;
        NativeEnvironment.Set("GOMP_SPINCOUNT", SpinCount);
    }

    private static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };
}
