/// Chooses how progress is shown.
module ChannelDistillation.Dsl.Progress.Progress

open System
open ChannelDistillation.Downloads
open Spectre.Console
open Spectre.Console.Rendering

let private isTerminal () = not Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive

/// A view that stays in place while the work goes on, and is gone after it.
let private inPlace (work: (IRenderable -> unit) -> 'result) : 'result =
    AnsiConsole
        .Live(Text "")
        .AutoClear(true)
        .Start(fun context ->
            work (fun view ->
                context.UpdateTarget view
                context.Refresh()))

/// Runs the work with an observer that suits where the output goes: a view in place on a terminal, plain lines elsewhere, nothing when quiet.
let during (quiet: bool) (cohorts: int) (work: IProgress -> 'result) : 'result =
    if quiet then
        work (Silent())
    elif isTerminal () then
        inPlace (fun show -> work (Live(AnsiConsole.Console, cohorts, show)))
    else
        work (Lines(Console.Out, cohorts))

/// The same for downloads.
let fetching (quiet: bool) (work: IDownloadObserver -> 'result) : 'result =
    if quiet then
        work (SilentTransfer())
    elif isTerminal () then
        inPlace (fun show -> work (TransferBar(AnsiConsole.Console, show)))
    else
        work (TransferLines Console.Out)
