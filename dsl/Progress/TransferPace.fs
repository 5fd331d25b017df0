namespace ChannelDistillation.Dsl.Progress

open System
open System.Collections.Generic
open System.Diagnostics

/// How fast a file comes, over the last seconds, and how long it will take.
[<Sealed>]
type TransferPace(total: int64, already: int64) =
    let window = TimeSpan.FromSeconds 15.0
    let clock = Stopwatch.StartNew()
    let samples = Queue<struct (TimeSpan * int64)>([ struct (TimeSpan.Zero, already) ])
    let mutable bytes = already

    member _.Total = total
    member _.Bytes = bytes
    member _.Elapsed = clock.Elapsed
    member _.Fraction = if total = 0L then 1.0 else float bytes / float total

    member _.Advance(now: int64) =
        // The server started anew: what came before says nothing of the rest.
        if now < bytes then
            samples.Clear()

        bytes <- now
        let time = clock.Elapsed
        samples.Enqueue(struct (time, now))

        while samples.Count > 2 && (let struct (first, _) = samples.Peek() in time - first > window) do
            samples.Dequeue() |> ignore

    /// Bytes per second; none until something has come.
    member _.Rate =
        let struct (time, first) = samples.Peek()
        let seconds = (clock.Elapsed - time).TotalSeconds

        if bytes > first && seconds > 0.2 then
            Some(float (bytes - first) / seconds)
        else
            None

    member this.Left = this.Rate |> Option.map (fun rate -> TimeSpan.FromSeconds(float (total - bytes) / rate))
