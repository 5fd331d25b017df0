/// Says now and then how far counted work is.
module internal ChannelDistillation.Lab.Progress.Counter

open System
open System.Diagnostics
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

/// At most once in so many seconds, and not at once: what is over soon needs no progress.
let paced (seconds: float) (say: TransferPace -> unit) : int -> int -> unit =
    let interval = TimeSpan.FromSeconds seconds
    let sinceSaid = Stopwatch.StartNew()
    let mutable pace: TransferPace option = None

    fun finished total ->
        let current = pace |> Option.defaultWith (fun () -> TransferPace(total, 0L))
        pace <- Some current
        current.Advance finished

        if sinceSaid.Elapsed > interval then
            sinceSaid.Restart()
            say current
