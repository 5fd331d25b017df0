namespace ChannelDistillation.Training;

/// <summary>Another process has taken a run over, because this one gave no sign of life for long.</summary>
internal sealed class OwnershipLostException(string run) : Exception($"{run} was taken over by another process while this one stood still.");
