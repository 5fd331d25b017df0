using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>What .NET does not offer of a Unix file system.</summary>
internal static partial class UnixFiles
{
    private const int Exists = 17; // EEXIST, on Linux and macOS

    /// <summary>Gives a file a second name, which only one of several who try can create.</summary>
    /// <returns>False: the name is taken; null: this system or file system has no such thing.</returns>
    public static bool? TryLink(string file, string name)
    {
        if (OperatingSystem.IsWindows())
            return null;
        if (Link(file, name) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == Exists ? false : null;
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string file, string name);
}
