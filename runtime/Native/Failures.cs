using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using TorchSharp;

namespace ChannelDistillation.Native;

/// <summary>What can happen to a lane that is no mistake of its experiment, in words.</summary>
internal static class DeviceErrors
{
    public static string NotSaved(Exception error) =>
        $"Nothing more can be saved: {error.Message} What was saved before is whole. Make room, or make the folder writable, and repeat the command.";

    private static readonly string[] OutOfMemory =
    [
        "out of memory", // CUDA's allocator, and CUDA itself
        "ALLOC_FAILED", // cuBLAS, and cuDNN up to version 8
        "ALLOCATION_FAILED", // cuDNN from version 9 on
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
    ];

    /// <summary>Messages that have other causes too (a library that is missing or does not fit): out of memory only where little of it is free.</summary>
    private static readonly string[] PerhapsOutOfMemory =
    [
        "CUBLAS_STATUS_NOT_INITIALIZED", // no memory for a handle, or no working cuBLAS
        "unable to find an engine", // cuDNN's benchmark: no room for the workspace of any algorithm, or no algorithm that could be built
        "No valid execution plans", // the same, without benchmark
    ];

    /// <summary>As cudaGetErrorString has them.</summary>
    private static readonly string[] Lost =
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
        "no kernel image is available", // a GPU that this libtorch was not built for
        "unknown error", // where the GPU has fallen off the bus
    ];

    /// <summary>
    /// Whether a GPU gives this process nothing but errors from now on: the error says so, or the GPU itself does, when it is asked.
    /// </summary>
    /// <param name="device">Where the error came about.</param>
    public static bool IsDeviceLost(Exception error, torch.Device device) =>
        error is ExternalException && (Says(error, Lost) || device.type == DeviceType.CUDA && !Answers(device));

    /// <summary>Whether all runs end with an error, whichever of them met it: something is missing, or the device is lost.</summary>
    public static bool EndsAll(Exception error, torch.Device device) => error is MissingException || IsDeviceLost(error, device);

    /// <summary>Whether memory has run out, on the CPU or on a GPU.</summary>
    /// <param name="device">Where the error came about.</param>
    public static bool IsOutOfMemory(Exception error, torch.Device device) => IsOutOfMemory(error, () => DeviceMemory.Of(device));

    /// <param name="memory">Bytes of the device, free and in all; null: it does not say.</param>
    internal static bool IsOutOfMemory(Exception error, Func<(long Free, long Total)?> memory) =>
        error is OutOfMemoryException
        || error is ExternalException
            && (Says(error, OutOfMemory) || Says(error, PerhapsOutOfMemory) && (memory() is not var (free, total) || free < total / Plenty));

    /// <summary>No workspace and no handle needs a larger part of a GPU's memory than this fraction.</summary>
    private const int Plenty = 20;

    public static string InWords(Exception error, torch.Device device) =>
        error is OutOfMemoryException ? NotEnough
        : IsOutOfMemory(error, device) ? $"{NotEnough} libtorch: {Said(error)}"
        : error is ExternalException && error.Message.Contains("does not have a deterministic implementation", StringComparison.Ordinal)
            ? $"{Said(error).Split(" does not")[0]} has no deterministic form on a GPU: this run can be trained there only without --deterministic."
        : error is ExternalException ? Said(error)
        : error is InvalidDataException ? error.Message
        : $"{error.GetType().Name}: {error.Message}";

    /// <summary>Does something outside of any run, an evaluation for instance, and tells what came of it so that a person can do something about it.</summary>
    /// <exception cref="MissingException">There is not enough memory.</exception>
    /// <exception cref="DeviceLostException">This process can compute nothing more on the device.</exception>
    public static T OutsideRuns<T>(torch.Device device, Func<T> work)
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
            throw new MissingException(
                $"There is not enough memory on {device}, which other programs may use as well. libtorch: {Said(error)}",
                error
            );
        }
    }

    /// <summary>The first line of what libtorch says, as a sentence; where in its own code it was comes after that.</summary>
    public static string Said(Exception error)
    {
        string line = error.Message.Split('\n')[0].TrimEnd();
        return line.EndsWith('.') ? line : line + ".";
    }

    private const string NotEnough = "There is not enough memory, even for this run alone. A smaller batch needs less.";

    private static bool Says(Exception error, string[] ways) => ways.Any(words => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase));

    private static bool Answers(torch.Device device)
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
/// A GPU that this process cannot use, or not any more: CUDA gives every later call the same error. What was saved is whole; another process, on this
/// GPU or on another, goes on from there.
/// </summary>
/// <param name="said">What libtorch says of it.</param>
public sealed class DeviceLostException(string said, Exception inner) : Exception(InWords(said), inner)
{
    private static string InWords(string said) =>
        said.Contains("no kernel image", StringComparison.Ordinal)
            ? $"The GPU cannot be used: {said} This libtorch has no code for GPUs of its kind. To train on the processor: --device cpu"
            : $"The GPU cannot be used by this process any more: {said} Runs go on from their last checkpoints when the command is repeated. `nvidia-smi` shows whether the GPU is in order.";
}
