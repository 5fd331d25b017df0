/// The exit codes of commands that do not succeed (docs/sweeps.md#exit-codes).
module ChannelDistillation.Cli.ExitCodes

/// Ends the program with an exit code and a message, without a stack trace. Empty message: everything has been printed.
exception Ended of code: int * message: string

/// At least one run failed or diverged.
let failed = 1

/// The arguments or the experiment are invalid; nothing was started.
let invalid = 2

/// Something external is missing or unusable: a dataset, a checkpoint, a device, disk space.
let missing = 3

let interrupted = 130

let stop code message : 'a = raise (Ended(code, message))
