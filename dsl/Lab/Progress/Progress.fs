/// Chooses how progress is shown.
module ChannelDistillation.Lab.Progress.Progress

open System
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Downloads
open ChannelDistillation.Data.ImageFolders.Packed

let internal isTerminal () = not Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive

/// Held by whoever writes on the terminal: the view in place takes locks of its own in another order than a line above it does.
let console = obj ()

/// A view that stays in place while the work goes on, and is gone after it.
let internal inPlace (work: (IRenderable -> unit) -> 'result) : 'result =
    AnsiConsole
        .Live(Text "")
        .AutoClear(true)
        .Start(fun context ->
            work (fun view ->
                lock console (fun () ->
                    context.UpdateTarget(View.safe view)
                    context.Refresh())))

/// Runs the work with an observer that suits where the output goes: a view in place on a terminal, plain lines elsewhere, nothing when quiet.
let during (quiet: bool) (cohorts: int) (work: IProgress -> 'result) : 'result =
    if quiet then
        work (Silent())
    elif isTerminal () then
        inPlace (fun show -> work (Live(AnsiConsole.Console, cohorts, TimeProvider.System, show)))
    else
        work (Lines(Console.Out, cohorts))

/// The same for a sweep that workers train, each with its name; so many runs in so many cohorts are to be trained. Of a single worker it looks as
/// if this process trained.
let ofWorkers (quiet: bool) (names: string list) (runs: int) (cohorts: int) (work: IPoolProgress -> 'result) : 'result =
    if names.Length = 1 then
        during quiet cohorts (fun progress -> work (SoleProgress(console, progress)))
    elif quiet then
        work (PoolSilent console)
    elif isTerminal () then
        inPlace (fun show -> work (PoolLive(AnsiConsole.Console, console, names, runs, TimeProvider.System, show)))
    else
        work (PoolLines(Console.Out, console, names))

/// The same for downloads.
let fetching (quiet: bool) (work: IDownloadObserver -> 'result) : 'result =
    if quiet then
        work (SilentTransfer())
    elif isTerminal () then
        inPlace (fun show -> work (TransferBar(AnsiConsole.Console, show)))
    else
        work (TransferLines Console.Out)

/// For work that is counted, images for instance: told how many are done, and of how many. What it shows goes to the error stream or is gone
/// in the end, so that the result alone is left.
let counting (what: string) (work: (int -> int -> unit) -> 'result) : 'result =
    if isTerminal () then
        inPlace (fun show -> work (Counter.paced 0.25 (fun pace -> show (Markup $"{Figures.bar pace.Fraction} {Figures.counted what pace}"))))
    else
        work (Counter.paced 30.0 (fun pace -> eprintfn "%s" (Figures.counted what pace)))

/// The same for packing.
let packing (work: IPackObserver -> 'result) : 'result =
    if isTerminal () then
        inPlace (fun show -> work (PackBar(AnsiConsole.Console, show)))
    else
        work (PackLines Console.Out)
