namespace ChannelDistillation.Lab.Runs

/// The arguments are invalid for this experiment or its current state; nothing was started.
exception UsageError of message: string
