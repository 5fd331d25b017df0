namespace ChannelDistillation.Dsl.Progress

open System
open System.Collections.Generic
open ChannelDistillation.Records
open ChannelDistillation.Training
open Spectre.Console
open Spectre.Console.Rendering

/// A view that stays in place on a terminal; messages scroll above it.
[<Sealed>]
type Live(console: IAnsiConsole, cohorts: int, show: IRenderable -> unit) =
    let frames = Frames 4L
    let pace = Pace cohorts
    let last = Dictionary<string, EpochRecord>()
    let best = Dictionary<string, float>()
    let ended = Dictionary<string, RunResult>()
    let mutable lanes: IReadOnlyList<string> = [||]
    let mutable teacher = false
    let mutable rate = 0.0
    let mutable validating = false

    let header () =
        let bar = Figures.bar pace.Fraction
        let speed = if rate > 0.0 then $" · {Figures.rate rate}" else ""

        let left =
            match pace.CohortLeft, pace.SweepLeft with
            | Some cohort, Some sweep when pace.Cohort < pace.Cohorts -> $" · {Figures.duration cohort} left, sweep {Figures.duration sweep}"
            | Some cohort, _ -> $" · {Figures.duration cohort} left"
            | None, _ -> ""

        let doing = if validating then " · validating" else ""
        Markup $"[bold]{pace.Name}[/] · epoch {pace.Epoch}/{pace.Epochs} {bar}{speed}{doing}{left}"

    let cells lane =
        let errors, best, losses =
            match last.TryGetValue lane with
            | true, record -> Figures.percent record.Top1Error, Figures.percent best[lane], Figures.losses record
            | _ -> "", "", ""

        let name =
            match ended.TryGetValue lane with
            | true, result when result.Status = RunStatus.Completed -> $"[green]{Markup.Escape lane}[/]"
            | true, result -> $"[red]{Markup.Escape lane}[/] ({(string result.Status).ToLowerInvariant()})"
            | _ -> Markup.Escape lane

        [| name; errors; best; Markup.Escape losses |]

    // A terminal has few lines and a view that does not fit cannot be redrawn in place.
    let frame () =
        let table = Table().Border(TableBorder.None)
        table.AddColumn "[grey]run[/]" |> ignore
        table.AddColumn(TableColumn("[grey]top-1 error[/]").RightAligned()) |> ignore
        table.AddColumn(TableColumn("[grey]best[/]").RightAligned()) |> ignore
        table.AddColumn(TableColumn("[grey]loss of the last epoch[/]").NoWrap()) |> ignore
        let most = max 1 (console.Profile.Height - 5)

        for lane in Seq.truncate most lanes do
            table.AddRow(cells lane) |> ignore

        if lanes.Count > most then
            table.AddRow [| $"[grey]and {lanes.Count - most} more[/]" |] |> ignore

        show (Rows(header (), table))

    interface IProgress with
        member _.Teacher
            with set value = teacher <- value

    interface ITrainingObserver with
        member _.CohortStarted(names, startEpoch, startStep, epochs, stepsPerEpoch) =
            pace.Start(teacher, names.Count, startEpoch, startStep, epochs, stepsPerEpoch)
            lanes <- names
            last.Clear()
            best.Clear()
            ended.Clear()
            rate <- 0.0
            frame ()

        member _.StepEnded(epoch, step, images, elapsed) =
            frames.Due(fun () ->
                pace.Advance(epoch, step)
                rate <- float images / elapsed.TotalSeconds
                validating <- false
                frame ())

        member _.ValidationStarted epoch =
            pace.Advance(epoch, pace.StepsPerEpoch)
            validating <- true
            frame ()

        member _.EpochEnded(lane, record) =
            last[lane] <- record

            best[lane] <-
                match best.TryGetValue lane with
                | true, value -> min value record.Top1Error
                | _ -> record.Top1Error

            rate <- record.ImagesPerSecond
            validating <- false
            frame ()

        member _.LaneEnded(lane, result) =
            ended[lane] <- result

            match Option.ofObj result.Message with
            | Some why when result.Status <> RunStatus.Completed -> console.MarkupLineInterpolated $"{lane}: {why}"
            | _ -> ()

            frame ()

        member _.Say message = console.WriteLine message
