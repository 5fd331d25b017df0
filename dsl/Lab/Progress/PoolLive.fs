namespace ChannelDistillation.Lab.Progress

open System
open System.Collections.Generic
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Runs
open ChannelDistillation.Training

/// The state of one worker: its part of the view, and the progress of its runs.
[<Sealed>]
type private Slot(name: string, time: TimeProvider) =
    let pace = EtaEstimator(0, time)
    member _.Name = name
    member _.EtaEstimator = pace
    member val View: IRenderable = Text "" with get, set
    member val IsTeacher = false with get, set
    /// Runs of its cohort that have ended; they no longer count as in progress.
    member val Ended = HashSet<string>()
    member val Lanes: IReadOnlyList<string> = [||] with get, set

    /// Progress in runs: two half-trained runs count as one.
    member this.UnderWay =
        if this.IsTeacher then
            0.0
        else
            float (this.Lanes.Count - this.Ended.Count) * pace.Fraction

/// A view in place with a block for each worker, under a line for the sweep.
[<Sealed>]
type PoolLive(console: IAnsiConsole, names: string list, runs: int, time: TimeProvider, show: IRenderable -> unit) =
    let slots = [| for name in names -> Slot(name, time) |]
    let width = names |> List.map _.Length |> List.fold max 0
    let started = time.GetTimestamp()
    let elsewhere = HashSet<string>()
    let mutable ended = 0
    /// Progress that the runs had when this sweep resumed them.
    let mutable before = 0.0

    let ours () = max 1 (runs - elsewhere.Count)

    let fraction () = min 1.0 ((float ended + Array.sumBy (fun (slot: Slot) -> slot.UnderWay) slots) / float (ours ()))

    let left () =
        let whole = fraction ()
        let here = whole - before / float (ours ())

        if here > 0.02 && whole < 1.0 then
            $" · {Figures.duration (time.GetElapsedTime started * ((1.0 - whole) / here))} left"
        else
            ""

    let draw () =
        let others = if elsewhere.Count = 0 then "" else $" · {elsewhere.Count} with other sweeps"
        let header: IRenderable = Markup $"[bold]{ended} of {ours ()} runs[/] {Figures.bar (fraction ())}{left ()}{others}"
        show (Rows(header :: [ for slot in slots -> slot.View ]))

    let rest (slot: Slot) =
        slot.Lanes <- [||]
        slot.Ended.Clear()
        slot.View <- Markup $"[bold]{slot.Name.PadRight width}[/] · [grey]nothing to do[/]"

    let live (slot: Slot) =
        let linesOfEach () = (console.Profile.Height - 2) / slots.Length + 2

        let show view =
            slot.View <- view
            draw ()

        Live(console, slot.EtaEstimator, $"{slot.Name.PadRight width} · ", linesOfEach, show)

    let views = slots |> Array.map live

    let note (slot: Slot) (reported: TrainingEvent) =
        match reported with
        | :? TrainingEvent.CohortStarted as cohort ->
            // A run that another sweep did not finish belongs to this sweep again.
            elsewhere.ExceptWith cohort.Lanes
            slot.IsTeacher <- cohort.IsTeacher
            slot.Lanes <- cohort.Lanes
            slot.Ended.Clear()
        | :? TrainingEvent.LaneEnded as lane ->
            if not slot.IsTeacher && slot.Ended.Add lane.Lane && lane.Result.Status <> RunStatus.Interrupted then
                ended <- ended + 1
        | _ -> ()

    do slots |> Array.iter rest

    member _.On(reported: SweepEvent) =
        match reported with
        | FromWorker(worker, (:? TrainingEvent.Message as message)) -> Above.say console $"{names[worker]}: {message.Text}"
        | FromWorker(worker, reported) ->
            note slots[worker] reported
            views[worker].On reported

            if reported :? TrainingEvent.CohortStarted then
                before <- before + slots[worker].UnderWay
        | Idle worker ->
            rest slots[worker]
            draw ()
        | TrainedElsewhere runs ->
            elsewhere.UnionWith runs
            draw ()
        | Message text -> Above.say console text
