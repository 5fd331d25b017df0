/// Downloads on the command line: with progress, and resumable.
module ChannelDistillation.Cli.Fetching

open System
open System.Threading
open ChannelDistillation.Downloads
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli

/// Does the work; where it is interrupted, says how to go on. The result is the exit code.
/// <param name="again">The command that goes on, without the program.</param>
let run (again: string) (work: Downloader -> CancellationToken -> unit) =
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping; what has come is kept." source

    try
        Progress.fetching false (fun observer -> work (Prerequisites.downloader observer) source.Token)
        0
    with :? OperationCanceledException ->
        printfn "Interrupted; what has come is kept. To go on: dotnet fsi build.fsx %s" again
        Ending.interrupted

/// A name that `list` does not show.
let unknown (kind: string) (name: string) (names: string list) =
    let listed = String.Join(", ", names)

    let near =
        match Suggest.near name names with
        | [] -> ""
        | nearest :: _ -> $"\nHint: maybe you want `{nearest}`?"

    Ending.stop Ending.invalid $"I do not know the {kind} `{name}`.{near}\nKnown: {listed}."
