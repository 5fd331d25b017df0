using System.Runtime.InteropServices;

namespace ChannelDistillation.Native;

/// <summary>
/// Settings of libtorch's global context that TorchSharp does not expose: members of `at::Context`, called by the mangled names of GCC and Clang.
/// Methods return false if this libtorch has no such symbol (on Windows, for example); nothing is changed then.
/// </summary>
internal static partial class TorchContext
{
    private const string TorchCpu = "torch_cpu";

    /// <summary>`torch.backends.cudnn.benchmark`: times convolutions once per shape and uses the fastest algorithm.</summary>
    public static bool BenchmarkCuDnn(bool isOn) => Try(() => SetBenchmarkCuDnn(GlobalContext(), isOn));

    /// <summary>`torch.use_deterministic_algorithms` with `torch.backends.cudnn.deterministic`: operators without a deterministic implementation throw.</summary>
    public static bool Deterministic(bool isOn) =>
        Try(() =>
        {
            SetDeterministicAlgorithms(GlobalContext(), isOn, warnOnly: false);
            SetDeterministicCuDnn(GlobalContext(), isOn);
            // New tensors are always written before they are read in this program: no need to fill them.
            SetFillUninitialized(GlobalContext(), false);
        });

    /// <summary>Current values of the two settings; null if they cannot be set.</summary>
    public static (bool Benchmark, bool Deterministic)? Current()
    {
        (bool, bool)? found = null;
        Try(() => found = (IsBenchmarkCuDnn(GlobalContext()), IsDeterministic(GlobalContext())));
        return found;
    }

    /// <summary>Whether CPU convolutions may use NNPACK. On an unsupported CPU, each convolution that tries it prints a warning.</summary>
    public static bool UseNnpack(bool isOn) => Try(() => SetNnpack(GlobalContext(), isOn));

    /// <summary>Whether CPU operators may use oneDNN. Without it libtorch uses its own kernels, which are several times slower and round differently.</summary>
    public static bool UseOneDnn(bool isOn) => Try(() => SetOneDnn(GlobalContext(), isOn));

    /// <summary>
    /// Whether TorchScript's graph executor may optimise modules called by this thread: fuse operators, and derive gradients itself. The result
    /// depends on earlier calls; without it, modules run operator by operator.
    /// </summary>
    public static bool RewriteScripts(bool isOn) => Try(() => SetGraphExecutorOptimize(isOn));

    /// <summary>Whether NNPACK and oneDNN may be used; null if this libtorch does not report it.</summary>
    public static (bool Nnpack, bool OneDnn)? CpuLibraries()
    {
        (bool, bool)? found = null;
        Try(() => found = (IsNnpackOn(GlobalContext()), IsOneDnnOn(GlobalContext())));
        return found;
    }

    /// <summary>Version of libtorch, `2.10.0`; null if it does not report it.</summary>
    public static string? Version
    {
        get
        {
            string? found = null;
            Try(() =>
            {
                // One byte each for major, minor and patch version, from the top.
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
