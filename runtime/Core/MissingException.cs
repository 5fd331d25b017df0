namespace ChannelDistillation.Core;

/// <summary>
/// Something outside the experiment is not there: a dataset, a checkpoint, a device. The message names it and the command that brings it;
/// the command line shows it without a stack trace and exits with 3.
/// </summary>
public sealed class MissingException(string message, Exception? inner = null) : Exception(message, inner);
