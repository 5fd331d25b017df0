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
