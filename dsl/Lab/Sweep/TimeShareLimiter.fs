namespace ChannelDistillation.Lab.Sweep

open System

/// Limits repeated work to a share of the elapsed time: the longer the work took, the longer the pause before it is due again.
[<Sealed>]
type TimeShareLimiter(share: float, clock: TimeProvider) =
    let mutable ended: int64 option = None
    let mutable took = TimeSpan.Zero

    member _.IsOver =
        match ended with
        | None -> true
        | Some ended -> clock.GetElapsedTime ended >= took / share - took

    member _.Measure(work: unit -> 'result) : 'result =
        let started = clock.GetTimestamp()

        try
            work ()
        finally
            took <- clock.GetElapsedTime started
            ended <- Some(clock.GetTimestamp())
