using System.Runtime.InteropServices;
using ChannelDistillation.Core;

namespace ChannelDistillation.Native;

/// <summary>
/// Loads libtorch from a user's folder, for builds with `--backend external`, such as that of a pip-installed PyTorch. TorchSharp uses libraries that
/// are already loaded, so this must run before the first use of `torch`.
/// </summary>
public static class ExternalTorch
{
    public const string Variable = "TORCH_LIB";

    // In dependency order; the CUDA libraries are optional.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch", "LibTorchSharp"];

    private static readonly string[] Optional = ["c10_cuda", "torch_cuda"];

    private static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>Whether the build has a bundled libtorch.</summary>
    private static bool IsBuiltIn => Has(AppContext.BaseDirectory, "torch_cpu", SearchOption.AllDirectories);

    /// <summary>Whether the libtorch in use supports CUDA.</summary>
    public static bool IsForGpus =>
        IsBuiltIn
            ? Has(AppContext.BaseDirectory, "torch_cuda", SearchOption.AllDirectories)
            : Folder is { } folder && Has(folder, "torch_cuda", SearchOption.TopDirectoryOnly);

    /// <summary>
    /// Loads the libraries of the folder in TORCH_LIB. If the build has a bundled libtorch, or TORCH_LIB is not set, it loads only the libraries
    /// that a libtorch with CUDA needs besides itself.
    /// </summary>
    /// <remarks>
    /// Symbolic links are resolved first: a library finds its dependencies in the folder that it was loaded from, and a folder of links contains only
    /// the links.
    /// </remarks>
    /// <exception cref="MissingException">A library is missing or cannot be loaded.</exception>
    public static void Load()
    {
        if (IsBuiltIn && Files(AppContext.BaseDirectory, "torch_cuda", SearchOption.AllDirectories).FirstOrDefault() is { } cuda)
            CudaLibraries.Preload(Path.GetDirectoryName(Target(cuda))!);
        if (Folder is not { } folder || IsBuiltIn)
            return;
        if (Files(AppContext.BaseDirectory, "LibTorchSharp", SearchOption.AllDirectories).FirstOrDefault() is { } other)
            throw new MissingException(
                $"{Variable} is {folder}, but {other} would be loaded instead of the {FileName("LibTorchSharp")} in it. Delete that file."
            );
        if (!Directory.Exists(folder))
            throw new MissingException($"{Variable} is {folder}, which does not exist. {WhatItHolds}");
        foreach (string name in Libraries)
        {
            string path = Path.Combine(folder, FileName(name));
            if (File.Exists(path))
            {
                string file = Target(path);
                if (name == "torch_cuda")
                    CudaLibraries.Preload(Path.GetDirectoryName(file)!);
                Load(folder, file);
            }
            else if (!Optional.Contains(name))
                throw new MissingException($"{Variable} is {folder}, which has no {FileName(name)}. {WhatItHolds}");
        }
    }

    /// <summary>Call before the first use of `torch`: TorchSharp's own error for a missing libtorch is a page long.</summary>
    /// <exception cref="MissingException">The build has no libtorch and TORCH_LIB is not set; or it has one and TORCH_LIB is set.</exception>
    public static void Require()
    {
        if (Folder is null && !IsBuiltIn)
            throw new MissingException(
                $"This build loads libtorch from the folder in {Variable}, which is not set. To build with a bundled libtorch: dotnet fsi build.fsx build --backend cpu"
            );
        if (Folder is { } folder && IsBuiltIn)
            throw new MissingException(
                $"{Variable} is {folder}, but this build has a bundled libtorch. To use the one in that folder: dotnet fsi build.fsx build --backend external. To use the bundled one: unset {Variable}"
            );
    }

    private static string WhatItHolds => $"The folder must contain libtorch, and a {FileName("LibTorchSharp")} built against it (docs/gpu.md).";

    private static void Load(string folder, string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            throw new MissingException($"{Variable} is {folder}, but {path} cannot be loaded. {WhatItHolds} {error.Message}", error);
        }
    }

    /// <summary>The library itself, if it or its folder is a symbolic link.</summary>
    /// <param name="path">Path of an existing file.</param>
    internal static string Target(string path)
    {
        string file = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(file)!;
        return Path.Combine(Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder, Path.GetFileName(file));
    }

    private static bool Has(string folder, string library, SearchOption where) => Files(folder, library, where).Any();

    private static IEnumerable<string> Files(string folder, string library, SearchOption where) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"*{library}*", where) : [];

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";
}
