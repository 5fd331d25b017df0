namespace ChannelDistillation.Lab.Sweep

/// Collects crashed processes and lost workers, for the summary of a sweep. Thread-safe.
[<Sealed>]
type IncidentLog() =
    let warnings = ResizeArray<string>()
    let missing = ResizeArray<string>()

    member _.Add(message: string) = lock warnings (fun () -> warnings.Add message)

    /// Adds the reason why a worker could not continue.
    member _.AddMissing(message: string) = lock warnings (fun () -> missing.Add message)

    /// Adds everything to the state. If all runs are complete, a lost worker is only a warning.
    member _.Report(state: SweepState, allDone: bool) =
        state.Warnings.AddRange warnings

        if allDone then
            state.Warnings.AddRange(Seq.distinct missing)
        else
            state.Failures.Add([], List.distinct (List.ofSeq missing))
