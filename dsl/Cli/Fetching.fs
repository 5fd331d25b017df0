/// Resumable downloads with progress on the command line.
module ChannelDistillation.Cli.Fetching

open System
open System.Threading
open ChannelDistillation.Downloads
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli

/// Runs the work and returns the exit code. If it is interrupted, prints the command that resumes it.
/// <param name="resume">The command that resumes the work, without `dotnet fsi build.fsx`.</param>
let run (resume: string) (work: Downloader -> CancellationToken -> unit) =
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping; the partial download is kept." source

    try
        Progress.fetching false (fun observer -> work (Prerequisites.downloader observer) source.Token)
        0
    with :? OperationCanceledException ->
        printfn "Interrupted; the partial download is kept. To resume: dotnet fsi build.fsx %s" resume
        ExitCodes.interrupted

/// Reports an unknown name with the nearest known one, and exits with code 2.
let unknown (kind: string) (name: string) (names: string list) =
    let listed = String.Join(", ", names)
    ExitCodes.stop ExitCodes.invalid $"Unknown {kind} `{name}`.{Parsing.hint name names}\nKnown: {listed}."
