namespace ChannelDistillation.Lab.Workers

open System

/// How a process ended that had not finished its work.
type ProcessEnd =
    | BySignal of number: int
    | WithCode of code: int

    /// For a sentence that begins with the process.
    override this.ToString() =
        // Numbers of Linux; on macOS SIGBUS is 10.
        match this with
        | BySignal 4 -> "ended by SIGILL (an instruction that this CPU does not have)"
        | BySignal 6 -> "ended by SIGABRT (a native library or .NET aborted after an error)"
        | BySignal 7
        | BySignal 10 -> "ended by SIGBUS (a memory access that could not be served, such as one to a file on a full or failing disk)"
        | BySignal 8 -> "ended by SIGFPE (an arithmetic error in native code, such as an integer division by zero)"
        | BySignal 9 -> "ended by SIGKILL (sent by the kernel when memory runs out, or by another process)"
        | BySignal 11 -> "ended by SIGSEGV (an invalid memory access in native code)"
        | BySignal 15 -> "ended by SIGTERM (sent by another process)"
        | BySignal number -> $"ended by signal {number}"
        | WithCode code -> $"ended with exit code {code}"

    /// Whether another process or the kernel ended it, for want of memory as a rule; else something that it did itself.
    member this.IsFromOutside =
        match this with
        | BySignal 9
        | BySignal 15 -> true
        | _ -> false

module ProcessEnd =
    /// The program's own exit code after a signal that told it to save and end.
    let private interrupted = 130

    /// By the exit code that .NET gives: of a process that a signal ended, 128 more than its number.
    let ofExitCode (code: int) : ProcessEnd =
        if code = interrupted then
            BySignal 15
        elif code > 128 && code < 160 && not (OperatingSystem.IsWindows()) then
            BySignal(code - 128)
        else
            WithCode code
