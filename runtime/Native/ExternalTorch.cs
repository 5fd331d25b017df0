using System.Runtime.InteropServices;

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

    /// <summary>Loads the libraries of the folder that TORCH_LIB names; does nothing where it names none.</summary>
    /// <exception cref="MissingException">A library is not there or does not load.</exception>
    public static void Load()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } folder)
            return;
        foreach (string name in Libraries)
        {
            string path = Path.Combine(folder, FileName(name));
            if (!File.Exists(path) && Optional.Contains(name))
                continue;
            try
            {
                NativeLibrary.Load(path);
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
            {
                throw new MissingException(
                    $"{Variable} is {folder}, but {path} cannot be loaded. The folder must hold libtorch, and a LibTorchSharp built against that libtorch. {error.Message}",
                    error
                );
            }
        }
    }

    /// <summary>To be called before the first use of `torch`: TorchSharp's own answer to a missing libtorch is a page long, and a copy of all it finds.</summary>
    /// <exception cref="MissingException">The program was built without libtorch, and none was named.</exception>
    public static void Require()
    {
        bool named = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };
        if (!named && !Directory.EnumerateFiles(AppContext.BaseDirectory, "*torch_cpu*", SearchOption.AllDirectories).Any())
        {
            throw new MissingException(
                $"This build takes libtorch from the folder that {Variable} names, and it names none. For a build that brings libtorch along: dotnet fsi build.fsx build --backend cpu"
            );
        }
    }

    private static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";
}
