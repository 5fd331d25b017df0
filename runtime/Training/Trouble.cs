using System.Runtime.InteropServices;

namespace ChannelDistillation.Training;

/// <summary>What can happen to a lane that is no mistake of its experiment, in words.</summary>
internal static class Trouble
{
    public static string NotSaved(Exception error) =>
        $"Nothing more can be saved: {error.Message} What was saved before is whole. Make room, or make the folder writable, and repeat the command.";

    private static readonly string[] OutOfMemory =
    [
        "out of memory", // CUDA's allocator, and CUDA itself
        "ALLOC_FAILED", // cuBLAS and cuDNN
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
    ];

    /// <summary>libtorch says it in one of these ways, on the processor and on a GPU.</summary>
    public static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException
        || error is ExternalException && OutOfMemory.Any(words => error.Message.Contains(words, StringComparison.OrdinalIgnoreCase));

    public static string InWords(Exception error) =>
        IsOutOfMemory(error) ? "There is not enough memory, even for this run alone. A smaller batch needs less."
        : error is ExternalException && error.Message.Contains("does not have a deterministic implementation", StringComparison.Ordinal)
            ? $"{error.Message.Split('\n')[0].Split(" does not")[0]} has no deterministic form on a GPU: this run can be trained there only without --deterministic."
        : $"{error.GetType().Name}: {error.Message}";
}
