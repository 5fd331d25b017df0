using System.Runtime.InteropServices;
using TorchSharp;

namespace ChannelDistillation.Training;

/// <summary>What can happen to a lane that is no mistake of its experiment, in words.</summary>
internal static class Trouble
{
    public static string NotSaved(Exception error) =>
        $"Nothing more can be saved: {error.Message} What was saved before is whole. Make room, or make the folder writable, and repeat the command.";

    private static readonly string[] OutOfMemory =
    [
        "out of memory", // CUDA's allocator, and CUDA itself
        "ALLOC_FAILED", // cuBLAS, and cuDNN up to version 8
        "ALLOCATION_FAILED", // cuDNN from version 9 on
        "CUBLAS_STATUS_NOT_INITIALIZED", // where no memory is left for a handle
        "unable to find an engine", // where cuDNN's benchmark found room for the workspace of no algorithm
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
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
        error is ExternalException && (Says(error, Lost) || device.type == DeviceType.CUDA && !Answers());

    /// <summary>Whether all runs end with an error, whichever of them met it: something is missing, or the device is lost.</summary>
    public static bool EndsAll(Exception error, torch.Device device) => error is MissingException || IsDeviceLost(error, device);

    /// <summary>libtorch says it in one of these ways, on the processor and on a GPU.</summary>
    public static bool IsOutOfMemory(Exception error) => error is OutOfMemoryException || error is ExternalException && Says(error, OutOfMemory);

    public static string InWords(Exception error) =>
        error is OutOfMemoryException ? NotEnough
        : IsOutOfMemory(error) ? $"{NotEnough} libtorch: {Said(error)}"
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
        catch (ExternalException error) when (IsOutOfMemory(error))
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

    private static bool Answers()
    {
        try
        {
            torch.cuda.synchronize();
            return true;
        }
        catch (ExternalException)
        {
            return false;
        }
    }
}
