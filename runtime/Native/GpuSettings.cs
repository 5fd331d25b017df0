using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using TorchSharp;

namespace ChannelDistillation.Native;

/// <summary>
/// How a GPU computes. Like the device, this is not part of a run's identity: a run may resume with other settings, and its run.json records the
/// settings of each session. They have no effect on the CPU, where results are reproducible anyway.
/// </summary>
/// <param name="Deterministic">Identical results from run to run on the same GPU, at some cost in speed.</param>
/// <param name="Tf32">Float32 convolutions multiply with 10 bits of mantissa (TensorFloat-32), PyTorch's default.</param>
public sealed record GpuSettings(bool Deterministic = false, bool Tf32 = true)
{
    /// <summary>NVIDIA's documentation of cuBLAS, "Results Reproducibility": a separate workspace for each stream.</summary>
    private const string Workspace = "CUBLAS_WORKSPACE_CONFIG";

    private static GpuSettings? inForce;

    /// <summary>Applies the settings to this process. Call before anything is computed on the GPU.</summary>
    /// <param name="device">The result of <see cref="Training.Devices.Choose"/>.</param>
    /// <exception cref="MissingException">This libtorch cannot be made deterministic.</exception>
    public void Apply(string device)
    {
        if (new torch.Device(device).type != DeviceType.CUDA)
            return;
        if (Deterministic)
            NativeEnvironment.Set(Workspace, ":4096:8");
        if (!TorchContext.Deterministic(Deterministic) && Deterministic)
            throw new MissingException(
                "--deterministic is not supported by this libtorch, which lacks settings of at::Context. Train without it, or on the CPU."
            );
        // Without benchmarks, or where they cannot be enabled, cuDNN uses heuristics.
        TorchContext.BenchmarkCuDnn(!Deterministic);
        torch.backends.cudnn.allow_tf32 = Tf32;
        // Losses take small differences of matrix products, so these always use full precision, as in PyTorch.
        torch.backends.cuda.matmul.allow_tf32 = false;
        inForce = this;
    }

    /// <summary>The applied settings, for run.json; null on the CPU.</summary>
    internal static JsonObject? Recorded => inForce is null ? null : new() { ["deterministic"] = inForce.Deterministic, ["tf32"] = inForce.Tf32 };
}
