namespace ChannelDistillation.Lab.Progress

open System
open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

/// How fast a file comes, over the last seconds, and how long it will take.
[<Sealed>]
type TransferPace(total: int64, already: int64, time: TimeProvider) =
    let window = TimeSpan.FromSeconds 15.0
    let start = time.GetTimestamp()
    let elapsed () = time.GetElapsedTime start
    let samples = Queue<struct (TimeSpan * int64)>([ struct (TimeSpan.Zero, already) ])
    let mutable bytes = already

    new(total, already) = TransferPace(total, already, TimeProvider.System)
    member _.Total = total
    member _.Bytes = bytes
    member _.Elapsed = elapsed ()
    member _.Fraction = if total = 0L then 1.0 else float bytes / float total

    member _.Advance(now: int64) =
        // The server started anew: what came before says nothing of the rest.
        if now < bytes then
            samples.Clear()

        bytes <- now
        let at = elapsed ()
        samples.Enqueue(struct (at, now))

        while samples.Count > 2 && (let struct (first, _) = samples.Peek() in at - first > window) do
            samples.Dequeue() |> ignore

    /// Bytes per second; none until something has come.
    member _.Rate =
        let struct (since, first) = samples.Peek()
        let seconds = (elapsed () - since).TotalSeconds

        if bytes > first && seconds > 0.2 then
            Some(float (bytes - first) / seconds)
        else
            None

    member this.Left = this.Rate |> Option.map (fun rate -> TimeSpan.FromSeconds(float (total - bytes) / rate))
