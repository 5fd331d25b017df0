using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace ChannelDistillation.Native;

/// <summary>CPU features that .NET's own checks do not cover.</summary>
public static class CpuFeatures
{
    /// <summary>
    /// Whether the CPU multiplies in bfloat16 (AVX-512 BF16 or AMX). libtorch's convolutions are then faster than in float32, otherwise slower. Null if
    /// unknown for this architecture.
    /// </summary>
    public static bool? ComputesInBFloat16 { get; } = X86Base.IsSupported ? HasAvx512 || HasAmx : null;

    /// <summary>
    /// Distinguishes CPUs with the same name: family, model and stepping, and environment variables that restrict the instruction sets of libtorch's
    /// libraries.
    /// </summary>
    public static string Signature { get; } =
        string.Join(
            ' ',
            (string[])
                [
                    X86Base.IsSupported ? X86Base.CpuId(1, 0).Eax.ToString("x") : RuntimeInformation.ProcessArchitecture.ToString(),
                    .. new[] { "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY" }
                        .Select(name => (name, value: Environment.GetEnvironmentVariable(name)))
                        .Where(setting => setting.value is { Length: > 0 })
                        .Select(setting => $"{setting.name}={setting.value}"),
                ]
        );

    // Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID, leaf 7.
    private static bool HasAvx512 => X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & 1 << 5) != 0;

    private static bool HasAmx => (X86Base.CpuId(7, 0).Edx & 1 << 22) != 0;
}
