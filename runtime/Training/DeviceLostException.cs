namespace ChannelDistillation.Training;

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
