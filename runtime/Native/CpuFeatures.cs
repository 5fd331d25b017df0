using System.Runtime.Intrinsics.X86;

namespace ChannelDistillation.Native;

/// <summary>What the processor can do that .NET's own feature tests do not tell.</summary>
public static class CpuFeatures
{
    /// <summary>
    /// Whether it multiplies in bfloat16 (AVX-512 BF16 or AMX): libtorch's convolutions are then faster than in float32, else slower. Null: not
    /// known of this kind of processor.
    /// </summary>
    public static bool? ComputesInBFloat16 { get; } = X86Base.IsSupported ? HasAvx512 || HasAmx : null;

    // Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID, leaf 7.
    private static bool HasAvx512 => X86Base.CpuId(7, 0).Eax >= 1 && (X86Base.CpuId(7, 1).Eax & 1 << 5) != 0;

    private static bool HasAmx => (X86Base.CpuId(7, 0).Edx & 1 << 22) != 0;
}
