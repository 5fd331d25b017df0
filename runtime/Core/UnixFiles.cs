using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Core;

/// <summary>What .NET does not offer of a Unix file system.</summary>
internal static unsafe partial class UnixFiles
{
    private const int ReadOnly = 0;
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

    /// <summary>Has the names in a folder written to the disk, as far as the file system can: without it a renamed file may be lost with the power.</summary>
    public static void FlushFolder(string folder)
    {
        // .NET opens no folders.
        if (OperatingSystem.IsWindows())
            return;
        int handle = Open(folder, ReadOnly);
        if (handle < 0)
            return;
        _ = Flush(handle);
        _ = Close(handle);
    }

    /// <summary>Whether an open file is the one that has a name now: the same entry of the same file system.</summary>
    /// <returns>Null: this system does not tell.</returns>
    public static bool? IsSame(SafeFileHandle file, string name)
    {
        if (OperatingSystem.IsWindows())
            return null;
        try
        {
            return StatusOf(file, out Status opened) == 0
                ? StatusOf(name, out Status named) == 0 && (named.Device, named.Entry) == (opened.Device, opened.Entry)
                : null;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>What a path leads to, through links: "a pipe", "a device" or "a socket"; null: a file, a folder, nothing, or this system does not tell.</summary>
    public static string? SpecialKind(string path)
    {
        if (OperatingSystem.IsWindows())
            return null;
        try
        {
            return StatusOf(path, out Status status) == 0 ? NameOf(status.Mode) : null;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The absolute path without links in it.</summary>
    /// <exception cref="IOException">It leads nowhere.</exception>
    public static string RealPath(string path)
    {
        if (OperatingSystem.IsWindows())
            return new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        nint found = RealPath(path, 0);
        if (found == 0)
            throw new IOException($"{path} leads nowhere");
        try
        {
            return Marshal.PtrToStringUTF8(found)!;
        }
        finally
        {
            NativeMemory.Free((void*)found);
        }
    }

    private static string? NameOf(int mode) =>
        (mode & 0xF000) switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0xC000 => "a socket",
            _ => null,
        };

    /// <summary>What .NET's own library fills in, alike on every system; only what is read here has a name.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Status
    {
        [FieldOffset(4)]
        public int Mode;

        [FieldOffset(88)]
        public long Device;

        [FieldOffset(104)]
        public long Entry;
    }

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_FStat")]
    private static partial int StatusOf(SafeFileHandle file, out Status status);

    [LibraryImport("libSystem.Native", EntryPoint = "SystemNative_Stat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusOf(string name, out Status status);

    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint buffer);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string file, int how);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string file, string name);
}
