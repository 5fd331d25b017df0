using System.Text.RegularExpressions;
using ChannelDistillation.Core;
using ChannelDistillation.Native;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>The devices available for training.</summary>
public static class Devices
{
    private const string OnCpu = "To train on the CPU: --device cpu";

    /// <summary>Chooses the device to train on.</summary>
    /// <param name="wanted">`auto` (a GPU if there is one), `cpu`, `cuda` or `cuda:N`.</param>
    /// <returns>`cpu` or `cuda:N`.</returns>
    /// <exception cref="MissingException">The requested GPU does not exist.</exception>
    public static string Choose(string wanted)
    {
        ExternalTorch.Load();
        ExternalTorch.Require();
        torch.InitializeDeviceType(DeviceType.CPU);
        NativeWarnings.Silence();
        if (wanted == "cpu")
            return wanted;
        int found = Found();
        if (wanted == "auto")
            return found > 0 ? "cuda:0" : "cpu";
        int index = wanted == "cuda" ? 0 : int.Parse(wanted["cuda:".Length..]);
        return index < found ? $"cuda:{index}" : throw new MissingException(NotAvailable(wanted, found));
    }

    /// <summary>The result of <see cref="Choose"/> if it can be determined without loading libtorch; null if libtorch has to search for GPUs.</summary>
    /// <exception cref="MissingException">A GPU is requested, but libtorch is for the CPU only.</exception>
    public static string? ChooseWithoutTorch(string wanted)
    {
        ExternalTorch.Require();
        if (ExternalTorch.IsForGpus && wanted != "cpu")
            return null;
        return wanted is "cpu" or "auto" ? "cpu" : throw new MissingException(NotAvailable(wanted, 0));
    }

    /// <summary>Whether a command may train on a GPU, determined from the machine and the arguments without loading libtorch.</summary>
    /// <param name="arguments">The command line's arguments.</param>
    public static bool MayUseGpu(IReadOnlyList<string> arguments)
    {
        int option = arguments.ToList().LastIndexOf("--device");
        return !(option >= 0 && option + 1 < arguments.Count && arguments[option + 1].StartsWith("cpu", StringComparison.Ordinal))
            && ExternalTorch.IsForGpus
            && NvidiaGpus.AreHere();
    }

    /// <summary>Compute capability of a GPU; null for another device, or if unknown.</summary>
    /// <param name="device">The result of <see cref="Choose"/>.</param>
    public static Version? ComputeCapability(string device) =>
        new torch.Device(device) is { type: DeviceType.CUDA } gpu ? Cuda.Capability(Math.Max(0, gpu.index)) : null;

    /// <summary>A hint for a user who did not choose a device; null if there is none.</summary>
    /// <param name="wanted">As in <see cref="Choose"/>.</param>
    public static string? Hint(string wanted) =>
        wanted == "auto" && NvidiaGpus.AreHere() && Found() == 0
            ? ExternalTorch.IsForGpus
                ? $"This machine has an NVIDIA GPU that libtorch cannot use, so training uses the CPU. {CheckDriver}"
                : "This machine has an NVIDIA GPU, but this build is for the CPU. With --device cuda, the same command builds for the GPU and trains on it."
            : null;

    /// <summary>Sets the maximum number of threads of an operation on the CPU.</summary>
    /// <exception cref="MissingException">There is no libtorch.</exception>
    public static void UseThreads(int threads)
    {
        // This may be the first use of libtorch.
        ExternalTorch.Load();
        ExternalTorch.Require();
        torch.set_num_threads(threads);
    }

    /// <summary>Switches oneDNN on or off for the CPU; it is on by default. Without it training takes several times as long.</summary>
    /// <exception cref="MissingException">It cannot be switched off in this libtorch.</exception>
    public static void UseOneDnn(bool isOn)
    {
        if (!TorchContext.UseOneDnn(isOn) && !isOn)
            throw new MissingException("This libtorch cannot switch oneDNN off: it lacks the setting of at::Context.");
    }

    private const string CheckDriver = "This libtorch needs CUDA 12.8 (driver 570 or newer); `nvidia-smi` shows the installed version.";

    private static int Found() => torch.cuda.is_available() ? torch.cuda.device_count() : 0;

    private static string NotAvailable(string wanted, int found)
    {
        if (found > 0)
            return $"The device {wanted} is not available: this machine has {found} CUDA GPU{(found > 1 ? "s" : "")}, cuda:0{(found > 1 ? $" to cuda:{found - 1}" : "")}.";
        string visible = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") is { } names ? $" CUDA_VISIBLE_DEVICES is `{names}`." : "";
        string why = (ExternalTorch.IsForGpus, NvidiaGpus.AreHere()) switch
        {
            (true, true) => $"libtorch has CUDA, but cannot use the NVIDIA GPU of this machine. {CheckDriver}{visible}",
            (true, false) => "libtorch has CUDA, but this machine has no NVIDIA GPU or no driver.",
            (false, true) =>
                "This machine has an NVIDIA GPU, but this build is for the CPU. To build for GPUs: dotnet fsi build.fsx build --backend cuda",
            (false, false) => "This machine has no NVIDIA GPU or no driver, and this build is for the CPU.",
        };
        return $"The device {wanted} is not available. {why}\n{OnCpu}";
    }
}

/// <summary>GPUs reported by the operating system, whether or not libtorch can use them.</summary>
public static partial class NvidiaGpus
{
    /// <summary>Whether the machine has an NVIDIA GPU. On Linux its driver creates a file for each; on Windows only the driver can be detected.</summary>
    /// <param name="root">Root of the file system; tests replace it.</param>
    public static bool AreHere(string root = "/")
    {
        if (OperatingSystem.IsWindows())
            return File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));
        string devices = Path.Combine(root, "dev");
        string driver = Path.Combine(root, "proc", "driver", "nvidia", "gpus");
        return (Directory.Exists(driver) && Directory.EnumerateDirectories(driver).Any())
            || (Directory.Exists(devices) && Directory.EnumerateFileSystemEntries(devices, "nvidia*").Any(path => Device().IsMatch(path)));
    }

    // nvidiactl and nvidia-uvm also exist on machines with a driver but no GPU.
    [GeneratedRegex(@"nvidia\d+$")]
    private static partial Regex Device();
}
