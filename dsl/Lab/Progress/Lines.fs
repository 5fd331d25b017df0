namespace ChannelDistillation.Lab.Progress

open System
open System.IO
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl

/// Plain lines for logs and pipes: a block for each epoch, and a line every 30 seconds within an epoch.
[<Sealed>]
type Lines(output: TextWriter, cohorts: int) =
    let lines = Heartbeat(output, 30.0)
    let pace = EtaEstimator cohorts
    let mutable epochShown = 0
    let mutable widestName = 0

    let left () =
        match pace.CohortLeft, pace.SweepLeft with
        | Some cohort, Some sweep when pace.Cohort < pace.Cohorts -> $", {Figures.duration cohort} left, {Figures.duration sweep} for the sweep"
        | Some cohort, _ -> $", {Figures.duration cohort} left"
        | None, _ -> ""

    member _.On(reported: TrainingEvent) =
        match reported with
        | :? TrainingEvent.CohortStarted as cohort ->
            pace.Start cohort
            epochShown <- 0
            widestName <- cohort.Lanes |> Seq.map _.Length |> Seq.fold max 0

            let resumed =
                match cohort.StartEpoch, cohort.StartStep with
                | 1, 0 -> ""
                | epoch, 0 -> $", resuming at epoch {epoch}"
                | epoch, step -> $", resuming after step {step} of epoch {epoch}"

            let names = String.Join(", ", cohort.Lanes)

            lines.Write
                $"""{pace.Name}: {names} ({MessageFormat.count cohort.Epochs "epoch"} of {MessageFormat.count cohort.StepsPerEpoch "step"}{resumed})"""
        | :? TrainingEvent.StepEnded as ended ->
            lines.Beat(fun () ->
                pace.Advance(ended.Epoch, ended.Step)
                let rate = Figures.rate (float ended.Images / ended.Elapsed.TotalSeconds)
                $"epoch {ended.Epoch}/{pace.Epochs}, step {ended.Step}/{pace.StepsPerEpoch}, {rate}{left ()}")
        | :? TrainingEvent.ValidationStarted as started -> pace.Validate started.Epoch
        | :? TrainingEvent.EpochEnded as ended ->
            let record = ended.Record

            if epochShown <> record.Epoch then
                epochShown <- record.Epoch
                pace.Advance(record.Epoch, pace.StepsPerEpoch)
                lines.Write $"epoch {record.Epoch}/{pace.Epochs}, {Figures.rate record.ImagesPerSecond}{left ()}"

            let error = Figures.percent record.Top1Error
            lines.Write $"  {ended.Lane.PadRight widestName}  top-1 error {error, 7}  loss {Figures.losses record}"
        | :? TrainingEvent.LaneEnded as ended when ended.Result.Status <> RunStatus.Completed ->
            let why = ended.Result.Message |> Option.ofObj |> Option.map (fun message -> ": " + message) |> Option.defaultValue ""
            lines.Write $"  {ended.Lane} {(string ended.Result.Status).ToLowerInvariant()}{why}"
        | :? TrainingEvent.Message as message -> lines.Write message.Text
        | _ -> ()
