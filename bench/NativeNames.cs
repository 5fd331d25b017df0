using ChannelDistillation.Native;
using ChannelDistillation.Runs;
using ChannelDistillation.Training;
using TorchSharp;

namespace ChannelDistillation.Bench;

/// <summary>
/// Checks whether this libtorch has the functions that are called by name (`runtime/Native`), by calling each one. Without one of
/// them training uses a slower way, which is reported.
/// </summary>
internal static class NativeNames
{
    /// <param name="device">`cpu`, `cuda` or `cuda:N`.</param>
    /// <returns>The exit code: 1 if some are missing.</returns>
    public static int Run(string device)
    {
        device = Devices.Choose(device);
        bool isGpu = new torch.Device(device).type == DeviceType.CUDA;
        (string Name, bool Exists, string Without)[] names =
        [
            ("at::Context::setBenchmarkCuDNN", TorchContext.BenchmarkCuDnn(false), "cuDNN guesses its algorithms"),
            ("at::Context::setDeterministicAlgorithms", TorchContext.Deterministic(false), "--deterministic is refused"),
            ("at::Context::benchmarkCuDNN", TorchContext.Current() is not null, "nothing"),
            ("at::Context::setUserEnabledMkldnn", TorchContext.UseOneDnn(true), "a crash in oneDNN is not tried again without it"),
            ("aoti_torch_abi_version", TorchContext.Version is not null, "nothing"),
            ("aten::_fused_sgd_ by aoti_torch_call_dispatcher", Dispatcher.HasFusedSgd(new(device)), "parameters are updated one by one"),
            ("aoti_torch_get_data_ptr", Dispatcher.HasAddresses, "the training thread copies images, and waits for it"),
            .. isGpu
                ? new[]
                {
                    (
                        "cudaMemGetInfo and streams of libcudart",
                        Cuda.IsAvailable,
                        "the training thread copies images, and waits for it; lanes are not fitted"
                    ),
                    ("cuDeviceGetName", Cuda.Name(Math.Max(0, new torch.Device(device).index)) is not null, "run.json does not name the GPU"),
                }
                : [],
        ];
        Console.WriteLine($"libtorch {TorchContext.Version ?? "of an unknown version"}, {Machine.Hardware(device).ToJsonString()}");
        foreach (var (name, isThere, without) in names)
            Console.WriteLine($"{(isThere ? "there  " : "MISSING")} {name}{(isThere ? "" : $": {without}")}");
        int missing = names.Count(name => !name.Exists);
        Console.WriteLine($"RESULT: libtorch {TorchContext.Version}, {names.Length - missing} of {names.Length} names are there");
        return missing == 0 ? 0 : 1;
    }
}
