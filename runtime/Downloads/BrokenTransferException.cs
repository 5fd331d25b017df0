namespace ChannelDistillation.Downloads;

/// <summary>An attempt that may do better when it is repeated. The message says what happened: `the server answers 503 (ServiceUnavailable)`.</summary>
internal sealed class BrokenTransferException(string message, Exception? inner = null) : Exception(message, inner);
