/// Chooses how progress is shown.
module ChannelDistillation.Lab.Progress.Progress

open System
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Core
open ChannelDistillation.Training

let internal isTerminal () = not Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive

/// The lock for writing to the terminal. A view in place and a line above it take Spectre's own locks in different orders.
let console = obj ()

/// Shows a view in place while the work runs, and removes it afterwards.
let internal inPlace (work: (IRenderable -> unit) -> 'result) : 'result =
    AnsiConsole
        .Live(Text "")
        .AutoClear(true)
        .Start(fun context ->
            work (fun view ->
                lock console (fun () ->
                    context.UpdateTarget(View.safe view)
                    context.Refresh())))

/// Runs the work with a view of its events that suits the output: in place on a terminal, plain lines elsewhere; messages only if quiet.
let during (quiet: bool) (cohorts: int) (work: (TrainingEvent -> unit) -> 'result) : 'result =
    if quiet then
        work (fun reported ->
            match reported with
            | :? TrainingEvent.Message as message -> eprintfn "%s" message.Text
            | _ -> ())
    elif isTerminal () then
        inPlace (fun show -> work (Live(AnsiConsole.Console, cohorts, TimeProvider.System, show)).On)
    else
        work (Lines(Console.Out, cohorts)).On

/// The same for a sweep that workers train, each with its name. The view may be called by any thread. With one worker it looks as if this process
/// trained.
/// <param name="runs">How many runs are to be trained, in how many cohorts.</param>
let ofWorkers (quiet: bool) (names: string list) (runs: int) (cohorts: int) (work: (SweepEvent -> unit) -> 'result) : 'result =
    let oneAtATime (view: SweepEvent -> unit) = fun reported -> lock console (fun () -> view reported)

    let ofOne (view: TrainingEvent -> unit) (reported: SweepEvent) =
        match reported with
        | FromWorker(_, reported) -> view reported
        | Message text -> view (TrainingEvent.Message text)
        | Idle _
        | TrainedElsewhere _ -> ()

    if quiet || names.Length = 1 then
        during quiet cohorts (ofOne >> oneAtATime >> work)
    elif isTerminal () then
        inPlace (fun show -> work (oneAtATime (PoolLive(AnsiConsole.Console, names, runs, TimeProvider.System, show)).On))
    else
        work (oneAtATime (PoolLines(Console.Out, names)).On)

let private withBar (unit: WorkUnit) (work: IWorkObserver -> 'result) : 'result =
    AnsiConsole.Progress().AutoClear(true).Columns(WorkBar.Columns unit).Start(fun context -> work (WorkBar(AnsiConsole.Console, context)))

/// The same for downloads.
let fetching (quiet: bool) (work: IWorkObserver -> 'result) : 'result =
    if quiet then work (SilentWork())
    elif isTerminal () then withBar WorkUnit.Bytes work
    else work (WorkLines(Console.Out, 10.0))

/// The same for packing.
let packing (work: IWorkObserver -> 'result) : 'result =
    if isTerminal () then
        withBar WorkUnit.Images work
    else
        work (WorkLines(Console.Out, 10.0))

/// For images that are counted: reports how many are complete, of how many. Nothing is left of it on the standard output, which has the result.
let counting (work: (int -> int -> unit) -> 'result) : 'result =
    let count (observer: IWorkObserver) =
        let mutable hasStarted = false

        work (fun completed total ->
            if not hasStarted then
                hasStarted <- true
                observer.Started("", total, 0L, WorkUnit.Images)

            observer.Advanced completed)

    if isTerminal () then
        withBar WorkUnit.Images count
    else
        count (WorkLines(Console.Error, 30.0))
