using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using TorchSharp;

namespace ChannelDistillation.Native;

/// <summary>
/// How a GPU is to compute. Like the device, it is no part of a run's identity: a run may go on with other settings, and its run.json says for
/// each session which it had. Nothing of it has an effect on the CPU, where numbers are the same from run to run anyhow.
/// </summary>
/// <param name="Deterministic">The same numbers from run to run on the same GPU, for some speed.</param>
/// <param name="Tf32">Convolutions in float32 multiply with 10 bits of mantissa (TensorFloat-32), as in PyTorch unless told otherwise.</param>
public sealed record GpuSettings(bool Deterministic = false, bool Tf32 = true)
{
    /// <summary>NVIDIA's documentation of cuBLAS, "Results Reproducibility": a workspace of its own for each stream.</summary>
    private const string Workspace = "CUBLAS_WORKSPACE_CONFIG";

    private static GpuSettings? inForce;

    /// <summary>Puts the settings in force for this process. To be called before anything is computed on the GPU.</summary>
    /// <param name="device">As <see cref="Training.Devices.Choose"/> gave it.</param>
    /// <exception cref="MissingException">This libtorch does not let itself be made deterministic.</exception>
    public void Apply(string device)
    {
        if (new torch.Device(device).type != DeviceType.CUDA)
            return;
        if (Deterministic)
            NativeEnvironment.Set(Workspace, ":4096:8");
        if (!TorchContext.Deterministic(Deterministic) && Deterministic)
            throw new MissingException(
                "--deterministic: this libtorch cannot be told to (settings of at::Context are not found in it). Train without it, or on the CPU."
            );
        // Without benchmarks cuDNN guesses; where they cannot be switched on, it does so too.
        TorchContext.BenchmarkCuDnn(!Deterministic);
        torch.backends.cudnn.allow_tf32 = Tf32;
        // Losses multiply matrices of which small differences are taken: in full precision always, as in PyTorch.
        torch.backends.cuda.matmul.allow_tf32 = false;
        inForce = this;
    }

    /// <summary>What is in force, for run.json; null on the CPU.</summary>
    internal static JsonObject? Recorded => inForce is null ? null : new() { ["deterministic"] = inForce.Deterministic, ["tf32"] = inForce.Tf32 };
}
