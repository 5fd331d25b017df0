namespace ChannelDistillation.Lab.Runs

/// The arguments do not fit this experiment or this moment; nothing was started.
exception UsageError of message: string
