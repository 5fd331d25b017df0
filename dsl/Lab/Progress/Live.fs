namespace ChannelDistillation.Lab.Progress

open System
open System.Collections.Generic
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Runs
open ChannelDistillation.Training

/// A view in place on a terminal; messages scroll above it.
/// <param name="title">The worker's name if there are several views; otherwise empty.</param>
/// <param name="height">Most lines of the view.</param>
[<Sealed>]
type Live(console: IAnsiConsole, pace: EtaEstimator, title: string, height: unit -> int, show: IRenderable -> unit) =
    // Number of epochs in the curve.
    let curveWidth = 16
    // With fewer lines, only the bars are shown.
    let leastHeight = 6
    let frames = Frames 4L
    let last = Dictionary<string, EpochRecord>()
    let errors = Dictionary<string, float list>()
    let ended = Dictionary<string, RunResult>()
    let mutable lanes: IReadOnlyList<string> = [||]
    let mutable rate = 0.0
    let mutable validating = false

    let left (time: TimeSpan option) = time |> Option.map (fun time -> $" · {Figures.duration time} left") |> Option.defaultValue ""

    /// Bars of the sweep, if it has several cohorts, and of the cohort; both start at the same column.
    let header () : IRenderable list =
        let speed = if rate > 0.0 then $" · {Figures.rate rate}" else ""
        let doing = if validating then " · validating" else ""
        let epoch = $"epoch {pace.Epoch}/{pace.Epochs}"
        let width = max pace.Name.Length epoch.Length

        [ if pace.Cohorts > 1 then
              Markup $"[bold]{pace.Name.PadRight width}[/] {Figures.bar pace.SweepFraction}{left pace.SweepLeft}"
              Markup $"{epoch.PadRight width} {Figures.bar pace.Fraction}{speed}{doing}{left pace.CohortLeft}"
          else
              Markup $"[bold]{title}{pace.Name}[/] · {epoch} {Figures.bar pace.Fraction}{speed}{doing}{left pace.CohortLeft}" ]

    let cells lane =
        let error, curve, best, losses =
            match last.TryGetValue lane with
            | true, record ->
                let all = errors[lane]
                Figures.percent record.Top1Error, Sparkline.render curveWidth all, Figures.percent (List.min all), Figures.losses record
            | _ -> "", "", "", ""

        let name =
            match ended.TryGetValue lane with
            | true, result when result.Status = RunStatus.Completed -> $"[green]{Markup.Escape lane}[/]"
            | true, result -> $"[red]{Markup.Escape lane}[/] ({(string result.Status).ToLowerInvariant()})"
            | _ -> Markup.Escape lane

        [| name; error; $"[dodgerblue1]{curve}[/]"; best; Markup.Escape losses |]

    // A view that is higher than the terminal cannot be redrawn in place.
    let frame () =
        let table = Table().Border(TableBorder.None)
        table.AddColumn "[grey]run[/]" |> ignore
        table.AddColumn(TableColumn("[grey]top-1 error[/]").RightAligned()) |> ignore
        table.AddColumn "" |> ignore
        table.AddColumn(TableColumn("[grey]best[/]").RightAligned()) |> ignore
        table.AddColumn(TableColumn("[grey]loss of the last epoch[/]").NoWrap()) |> ignore
        let most = max 1 (height () - 6)

        for lane in Seq.truncate most lanes do
            table.AddRow(cells lane) |> ignore

        if lanes.Count > most then
            table.AddRow [| $"[grey]and {lanes.Count - most} more[/]" |] |> ignore

        show (Rows(header () @ (if height () < leastHeight then [] else [ table :> IRenderable ])))

    new(console: IAnsiConsole, cohorts: int, time: TimeProvider, show) =
        Live(console, EtaEstimator(cohorts, time), "", (fun () -> console.Profile.Height), show)

    member _.On(reported: TrainingEvent) =
        match reported with
        | :? TrainingEvent.CohortStarted as cohort ->
            pace.Start cohort
            lanes <- cohort.Lanes
            last.Clear()
            errors.Clear()
            ended.Clear()
            rate <- 0.0
            frame ()
        | :? TrainingEvent.StepEnded as step ->
            frames.Due(fun () ->
                pace.Advance(step.Epoch, step.Step)
                rate <- float step.Images / step.Elapsed.TotalSeconds
                validating <- false
                frame ())
        | :? TrainingEvent.ValidationStarted as started ->
            pace.Validate started.Epoch
            validating <- true
            frame ()
        | :? TrainingEvent.EpochEnded as epoch ->
            let lane, record = epoch.Lane, epoch.Record
            pace.Advance(record.Epoch, pace.StepsPerEpoch)
            last[lane] <- record

            errors[lane] <-
                match errors.TryGetValue lane with
                | true, before -> before @ [ record.Top1Error ]
                | _ -> [ record.Top1Error ]

            rate <- record.ImagesPerSecond
            validating <- false
            frame ()
        | :? TrainingEvent.LaneEnded as lane ->
            ended[lane.Lane] <- lane.Result

            match Option.ofObj lane.Result.Message with
            | Some why when lane.Result.Status <> RunStatus.Completed -> Above.say console $"{lane.Lane}: {why}"
            | _ -> ()

            frame ()
        | :? TrainingEvent.Message as message -> Above.say console message.Text
        | _ -> ()
