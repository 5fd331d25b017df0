namespace ChannelDistillation.Lab.Workers

/// How a worker's networks compute on the CPU.
type ComputeMode =
    | Standard
    /// Without oneDNN and in the contiguous layout: slower and rounded differently, in code that has crashed least.
    | Conservative

/// How something is tried.
type Attempt =
    {
        /// Whether a process ended while it worked on it before.
        IsRetry: bool
        Mode: ComputeMode
    }

/// What to try next when a process ended that trained runs. Every attempt that makes no progress is of fewer runs than the one before, or of one
/// run in a mode that avoids more.
module Retry =
    let first = { IsRetry = false; Mode = Standard }

    /// For a single run, or a teacher; None: everything was tried.
    /// <param name="hasProgressed">Whether a later checkpoint is there than at the attempt's start.</param>
    let ofOne (how: ProcessEnd) (hasProgressed: bool) (attempt: Attempt) : Attempt option =
        match attempt.Mode with
        | _ when not attempt.IsRetry -> Some { attempt with IsRetry = true }
        | _ when hasProgressed -> Some attempt
        // Another mode needs no less memory.
        | _ when how.IsFromOutside -> None
        | Standard -> Some { attempt with Mode = Conservative }
        | Conservative -> None

    /// For several runs that were trained together: in halves where memory may have run out, else each alone, to find out which of them it was.
    let ofSeveral (how: ProcessEnd) (runs: 'run list) : 'run list list =
        if how.IsFromOutside then
            List.splitInto 2 runs
        else
            List.map List.singleton runs
