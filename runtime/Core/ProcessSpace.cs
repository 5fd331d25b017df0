using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32;

namespace ChannelDistillation.Core;

/// <summary>What process numbers count in. Machines can share a name, and containers of one machine have numbers of their own.</summary>
internal static partial class ProcessSpace
{
    /// <summary>On Linux one start of one machine, and the namespace of process numbers in it; elsewhere the machine.</summary>
    public static string Name { get; } =
        OperatingSystem.IsLinux()
            ? $"{Text("/proc/sys/kernel/random/boot_id") ?? Text("/etc/machine-id")} {new FileInfo("/proc/self/ns/pid").LinkTarget}"
            : OfMachine() ?? "";

    /// <summary>Eight hexadecimal digits of it, for names of files.</summary>
    public static string Short { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Name)))[..8];

    private static string? Text(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <returns>Null: the system does not say.</returns>
    private static string? OfMachine()
    {
        if (OperatingSystem.IsWindows())
            return Registry.GetValue(@"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography", "MachineGuid", null) as string;
        if (!OperatingSystem.IsMacOS())
            return Text("/etc/machine-id") ?? Text("/etc/hostid");
        var id = new byte[16];
        var nanoseconds = new long[] { 0, 0 };
        return GetHostUuid(id, nanoseconds) == 0 ? Convert.ToHexStringLower(id) : null;
    }

    /// <param name="wait">Seconds and nanoseconds; zero: as long as it takes.</param>
    [LibraryImport("libc", EntryPoint = "gethostuuid")]
    private static partial int GetHostUuid([Out] byte[] id, long[] wait);
}
