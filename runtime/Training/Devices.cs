using ChannelDistillation.Native;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>What can be trained on here.</summary>
public static class Devices
{
    /// <summary>The device to train on.</summary>
    /// <param name="wanted">`auto` (a GPU where there is one), `cpu`, `cuda` or `cuda:N`.</param>
    /// <returns>`cpu` or `cuda:N`.</returns>
    /// <exception cref="MissingException">The GPU that is asked for is not there.</exception>
    public static string Choose(string wanted)
    {
        ExternalTorch.Require();
        if (wanted == "cpu")
            return wanted;
        int found = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (wanted == "auto")
            return found > 0 ? "cuda:0" : "cpu";
        int index = wanted == "cuda" ? 0 : int.Parse(wanted["cuda:".Length..]);
        return index < found ? $"cuda:{index}" : throw new MissingException(WhatIsThere(wanted, found));
    }

    /// <summary>How many threads an operation on the processor may use.</summary>
    public static void UseThreads(int threads) => torch.set_num_threads(threads);

    private static string WhatIsThere(string wanted, int found)
    {
        if (found > 0)
            return $"The device {wanted} is not there: this machine has {found} CUDA GPU{(found > 1 ? "s" : "")}, cuda:0{(found > 1 ? $" to cuda:{found - 1}" : "")}.";
        bool forGpus = Directory.EnumerateFiles(AppContext.BaseDirectory, "*torch_cuda*", SearchOption.AllDirectories).Any();
        string why = forGpus
            ? "libtorch with CUDA is installed but sees no GPU; `nvidia-smi` says whether the driver does."
            : "This build has libtorch for the processor only. For GPUs: dotnet fsi build.fsx build --backend cuda";
        return $"The device {wanted} is not there. {why}\nTo train on the processor: --device cpu";
    }
}
