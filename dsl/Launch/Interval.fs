namespace ChannelDistillation.Dsl.Launch

open System
open System.Diagnostics

/// How long to wait before some work is worth doing again, when it may take this share of the time: the longer it takes, the longer.
[<Sealed>]
type Interval(share: float) =
    let since = Stopwatch()
    let mutable took = TimeSpan.Zero
    member _.IsOver = not since.IsRunning || since.Elapsed >= took / share - took

    member _.Measure(work: unit -> 'result) : 'result =
        let clock = Stopwatch.StartNew()

        try
            work ()
        finally
            took <- clock.Elapsed
            since.Restart()
