namespace ChannelDistillation.Lab.Workers

open System

/// How a process ended before it completed its work.
type ProcessExit =
    | BySignal of number: int
    | WithCode of code: int

    /// The predicate of a sentence about the process.
    override this.ToString() =
        // Signal numbers of Linux; on macOS SIGBUS is 10.
        match this with
        | BySignal 4 -> "was killed by SIGILL (an instruction that this CPU does not support)"
        | BySignal 6 -> "was killed by SIGABRT (a native library or .NET aborted after an error)"
        | BySignal 7
        | BySignal 10 -> "was killed by SIGBUS (a memory access that failed, for example to a file on a full or failing disk)"
        | BySignal 8 -> "was killed by SIGFPE (an arithmetic error in native code, such as an integer division by zero)"
        | BySignal 9 -> "was killed by SIGKILL (sent by the kernel when memory runs out, or by another process)"
        | BySignal 11 -> "was killed by SIGSEGV (an invalid memory access in native code)"
        | BySignal 15 -> "was killed by SIGTERM (sent by another process)"
        | BySignal number -> $"was killed by signal {number}"
        | WithCode code -> $"exited with code {code}"

    /// Whether another process or the kernel killed it, usually for lack of memory.
    member this.IsKilledExternally =
        match this with
        | BySignal 9
        | BySignal 15 -> true
        | _ -> false

module ProcessExit =
    /// The program's exit code after it saved its state on a signal.
    let private interrupted = 130

    /// From an exit code as .NET reports it: for a process that a signal killed, 128 + the number of the signal.
    let ofExitCode (code: int) : ProcessExit =
        if code = interrupted then
            BySignal 15
        elif code > 128 && code < 160 && not (OperatingSystem.IsWindows()) then
            BySignal(code - 128)
        else
            WithCode code
