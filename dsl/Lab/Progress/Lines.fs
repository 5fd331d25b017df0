namespace ChannelDistillation.Lab.Progress

open System
open System.IO
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

/// Plain lines, for logs and pipes: a block for each epoch, and a sign of life every 30 seconds within one.
[<Sealed>]
type Lines(output: TextWriter, cohorts: int) =
    let lines = Heartbeat(output, 30.0)
    let pace = EtaEstimator cohorts
    let mutable teacher = false
    let mutable epochShown = 0
    let mutable widestName = 0

    let left () =
        match pace.CohortLeft, pace.SweepLeft with
        | Some cohort, Some sweep when pace.Cohort < pace.Cohorts -> $", {Figures.duration cohort} left, {Figures.duration sweep} for the sweep"
        | Some cohort, _ -> $", {Figures.duration cohort} left"
        | None, _ -> ""

    interface IProgress with
        member _.Teacher
            with set value = teacher <- value

    interface ITrainingObserver with
        member _.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch) =
            pace.Start(teacher, lanes.Count, startEpoch, startStep, epochs, stepsPerEpoch)
            epochShown <- 0
            widestName <- lanes |> Seq.map _.Length |> Seq.fold max 0

            let goesOn =
                match startEpoch, startStep with
                | 1, 0 -> ""
                | epoch, 0 -> $", going on at epoch {epoch}"
                | epoch, step -> $", going on after step {step} of epoch {epoch}"

            let names = String.Join(", ", lanes)
            lines.Write $"""{pace.Name}: {names} ({Words.count epochs "epoch"} of {Words.count stepsPerEpoch "step"}{goesOn})"""

        member _.StepEnded(epoch, step, images, elapsed) =
            lines.Beat(fun () ->
                pace.Advance(epoch, step)
                let rate = Figures.rate (float images / elapsed.TotalSeconds)
                $"epoch {epoch}/{pace.Epochs}, step {step}/{pace.StepsPerEpoch}, {rate}{left ()}")

        member _.ValidationStarted epoch = pace.Validate epoch

        member _.EpochEnded(lane, record) =
            if epochShown <> record.Epoch then
                epochShown <- record.Epoch
                pace.Advance(record.Epoch, pace.StepsPerEpoch)
                lines.Write $"epoch {record.Epoch}/{pace.Epochs}, {Figures.rate record.ImagesPerSecond}{left ()}"

            let error = Figures.percent record.Top1Error
            lines.Write $"  {lane.PadRight widestName}  top-1 error {error, 7}  loss {Figures.losses record}"

        member _.LaneEnded(lane, result) =
            if result.Status <> RunStatus.Completed then
                let why = result.Message |> Option.ofObj |> Option.map (fun message -> ": " + message) |> Option.defaultValue ""
                lines.Write $"  {lane} {(string result.Status).ToLowerInvariant()}{why}"

        member _.Say message = lines.Write message
