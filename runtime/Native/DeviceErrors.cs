using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using TorchSharp;

namespace ChannelDistillation.Native;

/// <summary>Classifies errors that do not come from an experiment, and describes them.</summary>
internal static class DeviceErrors
{
    public static string NotSaved(Exception error) =>
        $"Nothing can be saved: {error.Message} Earlier checkpoints are intact. Free disk space or make the folder writable, and repeat the command.";

    private static readonly string[] OutOfMemoryMessages =
    [
        "out of memory", // CUDA's allocator, and CUDA itself
        "ALLOC_FAILED", // cuBLAS, and cuDNN up to version 8
        "ALLOCATION_FAILED", // cuDNN from version 9 on
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
    ];

    /// <summary>Messages that also have other causes (a missing or incompatible library): out of memory only if little memory is free.</summary>
    private static readonly string[] AmbiguousMessages =
    [
        "CUBLAS_STATUS_NOT_INITIALIZED", // no memory for a handle, or cuBLAS does not work
        "unable to find an engine", // cuDNN's benchmark: no memory for the workspace of any algorithm, or no algorithm could be built
        "No valid execution plans", // the same, without benchmark
    ];

    /// <summary>Texts of cudaGetErrorString.</summary>
    private static readonly string[] LostMessages =
    [
        "device-side assert triggered",
        "illegal memory access",
        "illegal instruction",
        "misaligned address",
        "invalid program counter",
        "operation not supported on global/shared address space",
        "hardware stack error",
        "unspecified launch failure",
        "the launch timed out",
        "uncorrectable ECC error",
        "busy or unavailable",
        "no longer available",
        "no CUDA-capable device is detected",
        "no kernel image is available", // this libtorch was not built for the GPU
        "unknown error", // after the GPU has fallen off the bus
    ];

    /// <summary>
    /// Whether a GPU can no longer be used by this process: the error says so, or a test of the GPU fails.
    /// </summary>
    /// <param name="device">The device of the error.</param>
    public static bool IsDeviceLost(Exception error, torch.Device device) =>
        error is ExternalException && (Contains(error, LostMessages) || device.type == DeviceType.CUDA && !Responds(device));

    /// <summary>Whether an error ends all runs, whichever of them it occurred in: something is missing, or the device is lost.</summary>
    public static bool IsFatal(Exception error, torch.Device device) => error is MissingException || IsDeviceLost(error, device);

    /// <summary>Whether memory has run out, on the CPU or a GPU.</summary>
    /// <param name="device">The device of the error.</param>
    public static bool IsOutOfMemory(Exception error, torch.Device device) => IsOutOfMemory(error, () => DeviceMemory.Of(device));

    /// <param name="memory">Free and total bytes of the device; null if unknown.</param>
    internal static bool IsOutOfMemory(Exception error, Func<(long Free, long Total)?> memory) =>
        error is OutOfMemoryException
        || error is ExternalException
            && (
                Contains(error, OutOfMemoryMessages)
                || Contains(error, AmbiguousMessages) && (memory() is not var (free, total) || free < total / AmplePart)
            );

    /// <summary>No workspace or handle needs more than one part in this many of a GPU's memory.</summary>
    private const int AmplePart = 20;

    public static string InWords(Exception error, torch.Device device) =>
        error is OutOfMemoryException ? NotEnough
        : IsOutOfMemory(error, device) ? $"{NotEnough} libtorch: {Said(error)}"
        : error is ExternalException && error.Message.Contains("does not have a deterministic implementation", StringComparison.Ordinal)
            ? $"{Said(error).Split(" does not")[0]} has no deterministic implementation on a GPU: train this run without --deterministic."
        : error is ExternalException ? Said(error)
        : error is InvalidDataException ? error.Message
        : $"{error.GetType().Name}: {error.Message}";

    /// <summary>Runs work outside training, such as an evaluation, and translates its errors into messages for the user.</summary>
    /// <exception cref="MissingException">There is not enough memory.</exception>
    /// <exception cref="DeviceLostException">This process can no longer use the device.</exception>
    public static T TranslateErrors<T>(torch.Device device, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ExternalException error) when (IsDeviceLost(error, device))
        {
            throw new DeviceLostException(Said(error), error);
        }
        catch (ExternalException error) when (IsOutOfMemory(error, device))
        {
            throw new MissingException($"Not enough memory on {device}; other programs may be using it. libtorch: {Said(error)}", error);
        }
    }

    /// <summary>The first line of libtorch's message, as a sentence; later lines are a stack trace.</summary>
    public static string Said(Exception error)
    {
        string line = error.Message.Split('\n')[0].TrimEnd();
        return line.EndsWith('.') ? line : line + ".";
    }

    private const string NotEnough = "Not enough memory, even for this run alone. Use a smaller batch.";

    private static bool Contains(Exception error, string[] texts) =>
        texts.Any(text => error.Message.Contains(text, StringComparison.OrdinalIgnoreCase));

    private static bool Responds(torch.Device device)
    {
        try
        {
            device.Synchronise();
            return true;
        }
        catch (ExternalException)
        {
            return false;
        }
    }
}

/// <summary>
/// A GPU that this process cannot use, or can no longer use: CUDA returns the same error for every later call. Saved states are intact; another process, on
/// this or another GPU, can resume from them.
/// </summary>
/// <param name="message">libtorch's message.</param>
public sealed class DeviceLostException(string message, Exception inner) : Exception(InWords(message), inner)
{
    private static string InWords(string message) =>
        message.Contains("no kernel image", StringComparison.Ordinal)
            ? $"The GPU cannot be used: {message} This libtorch has no code for this type of GPU. To train on the CPU: --device cpu"
            : $"This process can no longer use the GPU: {message} Repeat the command to resume runs from their last checkpoints; `nvidia-smi` shows the state of the GPU.";
}
