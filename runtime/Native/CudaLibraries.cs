using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace ChannelDistillation.Native;

/// <summary>
/// NVIDIA libraries that cuDNN and NVRTC open by name only, so that the dynamic linker does not find them where PyTorch's packages put them.
/// PyTorch loads them in advance (`_preload_cuda_deps` of its `torch/__init__.py`), so that the linker finds them by name.
/// </summary>
internal static partial class CudaLibraries
{
    /// <summary>Loads the libraries that <see cref="In"/> finds. Errors are ignored; code that needs a missing library reports it.</summary>
    /// <param name="torch">The folder of libtorch's own libraries.</param>
    public static void Preload(string torch)
    {
        foreach (string library in In(torch))
            NativeLibrary.TryLoad(library, out _);
    }

    /// <summary>
    /// NVRTC, its dependencies, and nvJitLink: in libtorch's folder, or in the folders of the pip packages beside it (`site-packages/nvidia/NAME/lib`
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
