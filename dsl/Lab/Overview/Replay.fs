/// The live view of a sweep that is over, as it was on the way: for the picture in the README.
module ChannelDistillation.Lab.Overview.Replay

open System
open System.Collections.Generic
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Report
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Sweep

/// A clock that goes on when it is told to.
[<Sealed>]
type private Clock() =
    inherit TimeProvider()
    let mutable ticks = 0L
    member _.Add(seconds: float) = ticks <- ticks + int64 (seconds * float TimeSpan.TicksPerSecond)
    override _.GetTimestamp() = ticks
    override _.TimestampFrequency = TimeSpan.TicksPerSecond

/// Steps of an epoch, for the view to count in; their number changes nothing that is shown.
let private steps = 100

/// The view when these runs, trained together as the first of some cohorts, had finished so many epochs; as HTML of so many columns.
let html (columns: int) (cohorts: int) (epochs: int) (runs: RunDetail list) : string =
    let settings =
        AnsiConsoleSettings(Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.TrueColor, Out = AnsiConsoleOutput IO.TextWriter.Null)

    let console = AnsiConsole.Create settings
    console.Profile.Width <- columns
    console.Profile.Height <- 40
    let clock = Clock()
    let mutable view: IRenderable = Text ""
    let live = Live(console, cohorts, clock, (fun shown -> view <- shown)) :> ITrainingObserver
    let all = runs |> List.map _.Epochs.Length |> List.max
    live.CohortStarted(List<string>(runs |> List.map _.Name), 1, 0, all, steps)

    for epoch in 1 .. min epochs all do
        clock.Add (runs.Head.Epochs |> List.item (epoch - 1)).Seconds
        live.ValidationStarted epoch

        for run in runs do
            run.Epochs |> List.tryItem (epoch - 1) |> Option.iter (fun record -> live.EpochEnded(run.Name, record))

    let recorder = console.CreateRecorder()
    recorder.Write view
    recorder.ExportHtml()
