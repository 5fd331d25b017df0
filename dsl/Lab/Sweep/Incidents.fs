namespace ChannelDistillation.Lab.Sweep

/// Crashes of processes and losses of workers, for the end of a sweep. May be used by several threads.
[<Sealed>]
type Incidents() =
    let said = ResizeArray<string>()
    let missing = ResizeArray<string>()

    member _.Add(sentence: string) = lock said (fun () -> said.Add sentence)

    /// Why a worker could not continue.
    member _.AddMissing(sentence: string) = lock said (fun () -> missing.Add sentence)

    /// Where others could do everything, what one lacked keeps nothing back.
    member _.Report(state: SweepState, allDone: bool) =
        state.Warnings.AddRange said

        if allDone then
            state.Warnings.AddRange(Seq.distinct missing)
        else
            state.Failures.Add([], List.distinct (List.ofSeq missing))
