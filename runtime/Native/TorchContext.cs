using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// Settings of libtorch's global context that TorchSharp does not expose: members of `at::Context`, called by the names that GCC and Clang give
/// them. Each method returns false where this libtorch has no such name (on Windows, say), and nothing is set then.
/// </summary>
internal static partial class TorchContext
{
    private const string TorchCpu = "torch_cpu";

    /// <summary>`torch.backends.cudnn.benchmark`: convolutions are timed once for each shape, and the fastest algorithm is kept.</summary>
    public static bool BenchmarkCuDnn(bool isOn) => Try(() => SetBenchmarkCuDnn(GlobalContext(), isOn));

    /// <summary>`torch.use_deterministic_algorithms` with `torch.backends.cudnn.deterministic`: what has no deterministic form throws.</summary>
    public static bool Deterministic(bool isOn) =>
        Try(() =>
        {
            SetDeterministicAlgorithms(GlobalContext(), isOn, warnOnly: false);
            SetDeterministicCuDnn(GlobalContext(), isOn);
            // New tensors are always written before they are read here: no need to fill them.
            SetFillUninitialized(GlobalContext(), false);
        });

    /// <summary>What the two are set to now; null where they cannot be set.</summary>
    public static (bool Benchmark, bool Deterministic)? Current()
    {
        (bool, bool)? found = null;
        Try(() => found = (IsBenchmarkCuDnn(GlobalContext()), IsDeterministic(GlobalContext())));
        return found;
    }

    /// <summary>Whether convolutions on the CPU may use NNPACK. On a CPU that it does not know, each one that asks for it prints a warning.</summary>
    public static bool UseNnpack(bool isOn) => Try(() => SetNnpack(GlobalContext(), isOn));

    /// <summary>Whether operators on the CPU may use oneDNN. Without it libtorch's own kernels compute: several times slower, and to other rounding.</summary>
    public static bool UseOneDnn(bool isOn) => Try(() => SetOneDnn(GlobalContext(), isOn));

    /// <summary>
    /// Whether TorchScript's graph executor may rewrite modules that this thread calls: fuse operators, and derive their gradients itself. What it
    /// does so depends on earlier calls; without it modules are run operator for operator.
    /// </summary>
    public static bool RewriteScripts(bool isOn) => Try(() => SetGraphExecutorOptimize(isOn));

    /// <summary>Whether NNPACK and oneDNN may be used; null where this libtorch does not say.</summary>
    public static (bool Nnpack, bool OneDnn)? CpuLibraries()
    {
        (bool, bool)? found = null;
        Try(() => found = (IsNnpackOn(GlobalContext()), IsOneDnnOn(GlobalContext())));
        return found;
    }

    /// <summary>libtorch's own, `2.10.0`; null where it does not say.</summary>
    public static string? Version
    {
        get
        {
            string? found = null;
            Try(() =>
            {
                // A byte each for the major, the minor and the patch version, from the top.
                ulong version = AbiVersion();
                found = $"{version >> 56}.{version >> 48 & 0xff}.{version >> 40 & 0xff}";
            });
            return found;
        }
    }

    private static bool Try(Action set)
    {
        try
        {
            set();
            return true;
        }
        catch (Exception error) when (error is EntryPointNotFoundException or DllNotFoundException)
        {
            return false;
        }
    }

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at13globalContextEv")]
    private static partial nint GlobalContext();

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_abi_version")]
    private static partial ulong AbiVersion();

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context17setBenchmarkCuDNNEb")]
    private static partial void SetBenchmarkCuDnn(nint context, [MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context21setDeterministicCuDNNEb")]
    private static partial void SetDeterministicCuDnn(nint context, [MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context26setDeterministicAlgorithmsEbb")]
    private static partial void SetDeterministicAlgorithms(
        nint context,
        [MarshalAs(UnmanagedType.U1)] bool isOn,
        [MarshalAs(UnmanagedType.U1)] bool warnOnly
    );

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context39setDeterministicFillUninitializedMemoryEb")]
    private static partial void SetFillUninitialized(nint context, [MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZN5torch3jit24setGraphExecutorOptimizeEb")]
    private static partial void SetGraphExecutorOptimize([MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZNK2at7Context14benchmarkCuDNNEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool IsBenchmarkCuDnn(nint context);

    [LibraryImport(TorchCpu, EntryPoint = "_ZNK2at7Context23deterministicAlgorithmsEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool IsDeterministic(nint context);

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context20setUserEnabledNNPACKEb")]
    private static partial void SetNnpack(nint context, [MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZNK2at7Context17userEnabledNNPACKEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool IsNnpackOn(nint context);

    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context20setUserEnabledMkldnnEb")]
    private static partial void SetOneDnn(nint context, [MarshalAs(UnmanagedType.U1)] bool isOn);

    [LibraryImport(TorchCpu, EntryPoint = "_ZNK2at7Context17userEnabledMkldnnEv")]
    [return: MarshalAs(UnmanagedType.U1)]
    private static partial bool IsOneDnnOn(nint context);
}
