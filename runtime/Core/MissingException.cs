namespace ChannelDistillation.Core;

/// <summary>
/// Something outside the experiment is missing: a dataset, a checkpoint, a device. The message names it and the command that provides it.
/// The command line shows it without a stack trace and exits with 3.
/// </summary>
public sealed class MissingException(string message, Exception? inner = null) : Exception(message, inner);
