/// Every way to end without success, as the contract has it.
module ChannelDistillation.Cli.Ending

/// The program ends with this exit code and message (empty: all is said), and without a stack trace.
exception Ended of code: int * message: string

/// Some run failed or diverged.
let failed = 1

/// The arguments or the experiment are invalid; nothing was started.
let invalid = 2

/// Something outside is missing.
let missing = 3

let interrupted = 130

let stop code message : 'a = raise (Ended(code, message))
