namespace ChannelDistillation.Dsl.Progress

open System
open System.Collections.Generic
open ChannelDistillation.Records
open ChannelDistillation.Training
open Spectre.Console
open Spectre.Console.Rendering

/// What is known of one worker: its part of the view, and how far the runs are that it trains.
[<Sealed>]
type private Seat(name: string, time: TimeProvider) =
    let pace = Pace(0, time)
    member _.Name = name
    member _.Pace = pace
    member val View: IRenderable = Text "" with get, set
    member val IsTeacher = false with get, set
    /// Runs that have ended in its cohort, whose progress counts no longer.
    member val Ended = HashSet<string>()
    member val Lanes: IReadOnlyList<string> = [||] with get, set

    /// In runs: two that are half way are one.
    member this.UnderWay =
        if this.IsTeacher then
            0.0
        else
            float (this.Lanes.Count - this.Ended.Count) * pace.Fraction

/// A view in place with a block for each worker, under a line for the sweep.
[<Sealed>]
type CrewLive(console: IAnsiConsole, gate: obj, names: string list, runs: int, time: TimeProvider, show: IRenderable -> unit) =
    let seats = [| for name in names -> Seat(name, time) |]
    let width = names |> List.map _.Length |> List.fold max 0
    let started = time.GetTimestamp()
    let elsewhere = HashSet<string>()
    let mutable ended = 0
    /// What was done of the runs before this sweep took them up again.
    let mutable before = 0.0

    let ours () = max 1 (runs - elsewhere.Count)

    let fraction () = min 1.0 ((float ended + Array.sumBy (fun (seat: Seat) -> seat.UnderWay) seats) / float (ours ()))

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
        show (Rows(header :: [ for seat in seats -> seat.View ]))

    let rest (seat: Seat) =
        seat.Lanes <- [||]
        seat.Ended.Clear()
        seat.View <- Markup $"[bold]{seat.Name.PadRight width}[/] · [grey]nothing to do[/]"

    let watch (seat: Seat) : IProgress =
        let linesOfEach () = (console.Profile.Height - 2) / seats.Length + 2

        let live =
            Live(
                console,
                seat.Pace,
                $"{seat.Name.PadRight width} · ",
                linesOfEach,
                fun view ->
                    seat.View <- view
                    draw ()
            )
            :> IProgress

        { new IProgress with
            member _.Teacher
                with set value =
                    seat.IsTeacher <- value
                    live.Teacher <- value
          interface ITrainingObserver with
              member _.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch) =
                  // What another sweep did not finish is ours again.
                  elsewhere.ExceptWith lanes
                  seat.Lanes <- lanes
                  seat.Ended.Clear()
                  live.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch)
                  before <- before + seat.UnderWay

              member _.StepEnded(epoch, step, images, elapsed) = live.StepEnded(epoch, step, images, elapsed)
              member _.ValidationStarted epoch = live.ValidationStarted epoch
              member _.EpochEnded(lane, record) = live.EpochEnded(lane, record)

              member _.LaneEnded(lane, result) =
                  if not seat.IsTeacher && seat.Ended.Add lane && result.Status <> RunStatus.Interrupted then
                      ended <- ended + 1

                  live.LaneEnded(lane, result)

              member _.Say message = live.Say $"{seat.Name}: {message}" }

    let workers = [| for seat in seats -> OneAtATime(gate, watch seat) :> IProgress |]

    do
        for seat in seats do
            rest seat

    interface ICrewProgress with
        member _.Worker index = workers[index]

        member _.Rests index =
            lock gate (fun () ->
                rest seats[index]
                draw ())

        member _.Elsewhere runs =
            lock gate (fun () ->
                elsewhere.UnionWith runs
                draw ())

        member _.Say message = lock gate (fun () -> Above.say console message)
