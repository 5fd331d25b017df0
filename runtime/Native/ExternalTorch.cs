using System.Runtime.InteropServices;
using ChannelDistillation.Core;

namespace ChannelDistillation.Native;

/// <summary>
/// libtorch from a folder of the user's, for builds with `--backend external`: that of a pip-installed PyTorch, say. TorchSharp finds what
/// is already loaded, so this has to come before the first use of `torch`.
/// </summary>
public static class ExternalTorch
{
    public const string Variable = "TORCH_LIB";

    // In the order in which they need one another; the CUDA ones are there or not.
    private static readonly string[] Libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch", "LibTorchSharp"];

    private static readonly string[] Optional = ["c10_cuda", "torch_cuda"];

    private static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;

    /// <summary>Whether the build has a libtorch of its own.</summary>
    private static bool IsBuiltIn => Has(AppContext.BaseDirectory, "torch_cpu", SearchOption.AllDirectories);

    /// <summary>Whether the libtorch in use can do CUDA.</summary>
    public static bool IsForGpus =>
        IsBuiltIn
            ? Has(AppContext.BaseDirectory, "torch_cuda", SearchOption.AllDirectories)
            : Folder is { } folder && Has(folder, "torch_cuda", SearchOption.TopDirectoryOnly);

    /// <summary>
    /// Loads the libraries of the folder that TORCH_LIB names. Where the build has its own, or TORCH_LIB names none, only what a libtorch with
    /// CUDA needs beside it is loaded.
    /// </summary>
    /// <remarks>
    /// Symbolic links are followed first: a library finds those it needs in the folder that it was loaded from, and a folder of links holds no more
    /// than the links.
    /// </remarks>
    /// <exception cref="MissingException">A library is not there or does not load.</exception>
    public static void Load()
    {
        if (IsBuiltIn && Files(AppContext.BaseDirectory, "torch_cuda", SearchOption.AllDirectories).FirstOrDefault() is { } cuda)
            CudaLibraries.Preload(Path.GetDirectoryName(Target(cuda))!);
        if (Folder is not { } folder || IsBuiltIn)
            return;
        if (Files(AppContext.BaseDirectory, "LibTorchSharp", SearchOption.AllDirectories).FirstOrDefault() is { } other)
            throw new MissingException(
                $"{Variable} is {folder}, but {other} would be loaded in place of the {FileName("LibTorchSharp")} in it. Delete that file."
            );
        if (!Directory.Exists(folder))
            throw new MissingException($"{Variable} is {folder}, but there is no such folder. {WhatItHolds}");
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
                throw new MissingException($"{Variable} is {folder}, but there is no {FileName(name)} in it. {WhatItHolds}");
        }
    }

    /// <summary>To be called before the first use of `torch`: TorchSharp's own answer to a missing libtorch is a page long, and a copy of all it finds.</summary>
    /// <exception cref="MissingException">The program was built without libtorch, and none was named; or with one, and another was named.</exception>
    public static void Require()
    {
        if (Folder is null && !IsBuiltIn)
            throw new MissingException(
                $"This build takes libtorch from the folder that {Variable} names, and it names none. For a build that brings libtorch along: dotnet fsi build.fsx build --backend cpu"
            );
        if (Folder is { } folder && IsBuiltIn)
            throw new MissingException(
                $"{Variable} is {folder}, but this build has a libtorch of its own. To use the one in that folder: dotnet fsi build.fsx build --backend external. To use the build's own: unset {Variable}"
            );
    }

    private static string WhatItHolds =>
        $"The folder must hold libtorch, and a {FileName("LibTorchSharp")} built against that libtorch (docs/gpu.md).";

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

    /// <summary>The library itself, where it or its folder is a symbolic link.</summary>
    /// <param name="path">Of a file that is there.</param>
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
