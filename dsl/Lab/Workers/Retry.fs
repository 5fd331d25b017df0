namespace ChannelDistillation.Lab.Workers

/// How the networks of a worker are computed on the CPU.
type ComputeMode =
    | Standard
    /// Without oneDNN and in the contiguous layout: slower and rounded differently, but the code least likely to crash.
    | Conservative

/// How an assignment is attempted.
type Attempt =
    {
        /// Whether an earlier process ended during this assignment.
        IsRetry: bool
        Mode: ComputeMode
    }

/// Decides the next attempt after a process ended. After an attempt without progress, the next one has fewer runs, or one run in a more conservative
/// mode.
module Retry =
    let first = { IsRetry = false; Mode = Standard }

    /// The next attempt for a single run or a teacher. None: all retries are used up.
    /// <param name="hasProgressed">Whether there is a later checkpoint than at the start of the attempt.</param>
    let ofOne (how: ProcessExit) (hasProgressed: bool) (attempt: Attempt) : Attempt option =
        match attempt.Mode with
        | _ when not attempt.IsRetry -> Some { attempt with IsRetry = true }
        | _ when hasProgressed -> Some attempt
        // The conservative mode needs as much memory.
        | _ when how.IsKilledExternally -> None
        | Standard -> Some { attempt with Mode = Conservative }
        | Conservative -> None

    /// The next groups for several runs that were trained together: halves if memory may have run out, else single runs, to find the one that crashes.
    let ofSeveral (how: ProcessExit) (runs: 'run list) : 'run list list =
        if how.IsKilledExternally then
            List.splitInto 2 runs
        else
            List.map List.singleton runs
