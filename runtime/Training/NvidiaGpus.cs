using System.Text.RegularExpressions;

namespace ChannelDistillation.Training;

/// <summary>GPUs as the operating system shows them, whether libtorch can use them or not.</summary>
public static partial class NvidiaGpus
{
    /// <summary>Whether the machine has one. On Linux its driver shows it as a file; on Windows only that there is a driver can be told.</summary>
    /// <param name="root">What stands for the root of the file system; tests have one of their own.</param>
    public static bool AreHere(string root = "/")
    {
        if (OperatingSystem.IsWindows())
            return File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));
        string devices = Path.Combine(root, "dev");
        string driver = Path.Combine(root, "proc", "driver", "nvidia", "gpus");
        return (Directory.Exists(driver) && Directory.EnumerateDirectories(driver).Any())
            || (Directory.Exists(devices) && Directory.EnumerateFileSystemEntries(devices, "nvidia*").Any(path => Device().IsMatch(path)));
    }

    // Beside nvidia0 there are nvidiactl and nvidia-uvm, also where there is a driver and no GPU.
    [GeneratedRegex(@"nvidia\d+$")]
    private static partial Regex Device();
}
