using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ChannelDistillation.Core;

/// <summary>Unix file operations that .NET does not provide.</summary>
internal static unsafe partial class UnixFiles
{
    private const int ReadOnly = 0;
    private const int Exists = 17; // EEXIST, on Linux and macOS

    /// <summary>Creates a hard link. If several processes try, exactly one succeeds.</summary>
    /// <returns>False if the name exists; null if this system or file system has no hard links.</returns>
    public static bool? TryLink(string file, string name)
    {
        if (OperatingSystem.IsWindows())
            return null;
        if (Link(file, name) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == Exists ? false : null;
    }

    /// <summary>Flushes a folder's entries to disk, where the file system supports it. Otherwise a power failure may lose a renamed file.</summary>
    public static void FlushFolder(string folder)
    {
        // .NET cannot open folders.
        if (OperatingSystem.IsWindows())
            return;
        int handle = Open(folder, ReadOnly);
        if (handle < 0)
            return;
        _ = Flush(handle);
        _ = Close(handle);
    }

    /// <summary>Whether an open file is the one with this name: same inode, same file system.</summary>
    /// <returns>Null if this system does not report it.</returns>
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

    /// <summary>Kind of a special file, after following links: "a pipe", "a device" or "a socket"; null for files, folders, missing paths and unsupported systems.</summary>
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

    /// <summary>The absolute path with all links resolved.</summary>
    /// <exception cref="IOException">The path cannot be resolved.</exception>
    public static string RealPath(string path)
    {
        if (OperatingSystem.IsWindows())
            return new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        nint found = RealPath(path, 0);
        if (found == 0)
            throw new IOException($"{path} cannot be resolved");
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

    /// <summary>The struct that .NET's native library fills in, the same on every system; only the fields read here are named.</summary>
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
    private static partial int Open(string file, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Flush(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string file, string name);
}
