using System.Text.RegularExpressions;
using ChannelDistillation.Core;
using ChannelDistillation.Native;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>What can be trained on here.</summary>
public static class Devices
{
    private const string OnProcessor = "To train on the processor: --device cpu";

    /// <summary>The device to train on.</summary>
    /// <param name="wanted">`auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.</param>
    /// <returns>`cpu` or `cuda:N`.</returns>
    /// <exception cref="MissingException">The GPU that is asked for is not there.</exception>
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
        return index < found ? $"cuda:{index}" : throw new MissingException(WhatIsThere(wanted, found));
    }

    /// <summary>What <see cref="Choose"/> gives, where that can be told without loading libtorch; null: libtorch has to look for GPUs.</summary>
    /// <exception cref="MissingException">A GPU is asked for, and libtorch is one for the CPU only.</exception>
    public static string? Foresee(string wanted)
    {
        ExternalTorch.Require();
        if (ExternalTorch.IsForGpus && wanted != "cpu")
            return null;
        return wanted is "cpu" or "auto" ? "cpu" : throw new MissingException(WhatIsThere(wanted, 0));
    }

    /// <summary>Whether a command may train on a GPU: told without loading libtorch, from what is here and what it asks for.</summary>
    /// <param name="arguments">Of the command line.</param>
    public static bool MayUseGpu(IReadOnlyList<string> arguments)
    {
        int option = arguments.ToList().LastIndexOf("--device");
        return !(option >= 0 && option + 1 < arguments.Count && arguments[option + 1].StartsWith("cpu", StringComparison.Ordinal))
            && ExternalTorch.IsForGpus
            && NvidiaGpus.AreHere();
    }

    /// <summary>Of a GPU, its compute capability; null: it is none, or does not say.</summary>
    /// <param name="device">As <see cref="Choose"/> gave it.</param>
    public static Version? ComputeCapability(string device) =>
        new torch.Device(device) is { type: DeviceType.CUDA } gpu ? Cuda.Capability(Math.Max(0, gpu.index)) : null;

    /// <summary>What a person may want to know who left the choice to us; null: nothing.</summary>
    /// <param name="wanted">As in <see cref="Choose"/>.</param>
    public static string? Hint(string wanted) =>
        wanted == "auto" && NvidiaGpus.AreHere() && Found() == 0
            ? ExternalTorch.IsForGpus
                ? $"This machine has an NVIDIA GPU that libtorch cannot use, and so the processor trains. {CheckDriver}"
                : "This machine has an NVIDIA GPU, but this build is for the processor. With --device cuda the same command builds for the GPU and trains on it."
            : null;

    /// <summary>How many threads an operation on the processor may use.</summary>
    /// <exception cref="MissingException">There is no libtorch.</exception>
    public static void UseThreads(int threads)
    {
        // It may be the first use of libtorch.
        ExternalTorch.Load();
        ExternalTorch.Require();
        torch.set_num_threads(threads);
    }

    /// <summary>Whether the CPU computes with oneDNN, as it does unless told otherwise. Without it training takes several times as long.</summary>
    /// <exception cref="MissingException">It is to be switched off, and this libtorch has no such switch.</exception>
    public static void UseOneDnn(bool isOn)
    {
        if (!TorchContext.UseOneDnn(isOn) && !isOn)
            throw new MissingException("This libtorch does not allow switching oneDNN off (the setting of at::Context is not found in it).");
    }

    private const string CheckDriver = "`nvidia-smi` shows what its driver supports: this libtorch needs CUDA 12.8, driver 570 or newer.";

    private static int Found() => torch.cuda.is_available() ? torch.cuda.device_count() : 0;

    private static string WhatIsThere(string wanted, int found)
    {
        if (found > 0)
            return $"The device {wanted} is not there: this machine has {found} CUDA GPU{(found > 1 ? "s" : "")}, cuda:0{(found > 1 ? $" to cuda:{found - 1}" : "")}.";
        string visible = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") is { } names ? $" CUDA_VISIBLE_DEVICES is `{names}`." : "";
        string why = (ExternalTorch.IsForGpus, NvidiaGpus.AreHere()) switch
        {
            (true, true) => $"libtorch with CUDA is here, and an NVIDIA GPU that it cannot use. {CheckDriver}{visible}",
            (true, false) => "libtorch with CUDA is here, but no NVIDIA GPU and its driver.",
            (false, true) =>
                "The machine has an NVIDIA GPU, but this build has libtorch for the processor only. For GPUs: dotnet fsi build.fsx build --backend cuda",
            (false, false) => "There is no NVIDIA GPU and its driver here, and this build has libtorch for the processor only.",
        };
        return $"The device {wanted} is not there. {why}\n{OnProcessor}";
    }
}

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
