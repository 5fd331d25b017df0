using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32;

namespace ChannelDistillation.Core;

/// <summary>The space in which process IDs are unique. Machines can share a name, and containers on one machine have separate process IDs.</summary>
internal static partial class ProcessNamespace
{
    /// <summary>On Linux, a boot of a machine and its PID namespace; elsewhere the machine.</summary>
    public static string Name { get; } =
        OperatingSystem.IsLinux()
            ? $"{Text("/proc/sys/kernel/random/boot_id") ?? Text("/etc/machine-id")} {new FileInfo("/proc/self/ns/pid").LinkTarget}"
            : OfMachine() ?? "";

    /// <summary>Eight hexadecimal digits of its hash, for file names.</summary>
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

    /// <returns>Null if the system does not report it.</returns>
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

    /// <param name="wait">Timeout in seconds and nanoseconds; zero: none.</param>
    [LibraryImport("libc", EntryPoint = "gethostuuid")]
    private static partial int GetHostUuid([Out] byte[] id, long[] wait);
}
