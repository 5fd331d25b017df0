using System.Runtime.InteropServices;

namespace ChannelDistillation.Training;

/// <summary>What can happen to a lane that is no mistake of its experiment, in words.</summary>
internal static class Trouble
{
    public static string NotSaved(Exception error) =>
        $"Nothing more can be saved: {error.Message} What was saved before is whole. Make room, or make the folder writable, and repeat the command.";

    /// <summary>libtorch says it in one of these ways, on the processor and on a GPU.</summary>
    public static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException
        || error is ExternalException
            && new[] { "out of memory", "can't allocate memory", "not enough memory", "bad_alloc" }.Any(words =>
                error.Message.Contains(words, StringComparison.OrdinalIgnoreCase)
            );

    public static string InWords(Exception error) =>
        IsOutOfMemory(error)
            ? "There is not enough memory, even for this run alone. A smaller batch needs less."
            : $"{error.GetType().Name}: {error.Message}";
}
