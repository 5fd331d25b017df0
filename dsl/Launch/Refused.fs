namespace ChannelDistillation.Dsl.Launch

/// The arguments do not fit this experiment or this moment; nothing was started.
exception Refused of message: string
