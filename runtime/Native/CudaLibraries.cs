using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace ChannelDistillation.Native;

/// <summary>
/// NVIDIA libraries that cuDNN and NVRTC open by their names alone, so that the dynamic linker does not find them where PyTorch's packages put them.
/// PyTorch loads them before cuDNN asks (`_preload_cuda_deps` of its `torch/__init__.py`); the linker then finds them by name.
/// </summary>
internal static partial class CudaLibraries
{
    /// <summary>Loads what <see cref="In"/> finds. A library that does not load is left to whoever needs it, and the error is then theirs.</summary>
    /// <param name="torch">The folder that libtorch's own libraries lie in.</param>
    public static void Preload(string torch)
    {
        foreach (string library in In(torch))
            NativeLibrary.TryLoad(library, out _);
    }

    /// <summary>
    /// NVRTC, what it compiles with, and nvJitLink: in libtorch's folder, or in those of the pip packages beside it (`site-packages/nvidia/NAME/lib`
    /// for `site-packages/torch/lib`).
    /// </summary>
    public static IReadOnlyList<string> In(string torch)
    {
        string packages = Path.Combine(torch, "..", "..", "nvidia");
        string[] folders = Directory.Exists(packages)
            ? [.. Directory.GetDirectories(packages).Order(StringComparer.Ordinal).Select(package => Path.GetFullPath(Path.Combine(package, "lib")))]
            : [];
        return
        [
            .. folders
                .Prepend(torch)
                .Where(Directory.Exists)
                .SelectMany(folder => Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
                .Where(file => Wanted().IsMatch(Path.GetFileName(file))),
        ];
    }

    /// <summary>libnvrtc.so.12, libnvrtc-builtins.so.13.0, libnvJitLink-0a1b2c3d.so.12; not libnvrtc.alt.so.13, another build of the first.</summary>
    [GeneratedRegex(@"^lib(nvrtc|nvrtc-builtins|nvJitLink)(-[0-9a-f]{8})?\.so(\.[0-9]+)*$")]
    private static partial Regex Wanted();
}
