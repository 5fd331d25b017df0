namespace ChannelDistillation.Lab.Sweep

open System

/// How long to wait before some work is worth doing again, when it may take this share of the time: the longer it takes, the longer.
[<Sealed>]
type Interval(share: float, clock: TimeProvider) =
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
