namespace ChannelDistillation.Dsl.Launch

/// What befell the processes and workers of a sweep, for its end. May be told by several threads.
[<Sealed>]
type Incidents() =
    let said = ResizeArray<string>()
    let missing = ResizeArray<string>()

    member _.Add(sentence: string) = lock said (fun () -> said.Add sentence)

    /// What a worker lacked that could not go on.
    member _.AddMissing(sentence: string) = lock said (fun () -> missing.Add sentence)

    /// Where others could do everything, what one lacked keeps nothing back.
    member _.Report(state: SweepState, allDone: bool) =
        state.Warnings.AddRange said

        if allDone then
            state.Warnings.AddRange(Seq.distinct missing)
        else
            state.Troubles.Add([], List.distinct (List.ofSeq missing))
