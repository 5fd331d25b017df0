/// The view of several workers.
module ChannelDistillation.Tests.Lab.Progress.PoolTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Tests.Lab.Progress.Views

let private completed = RunResult(RunStatus.Completed, null, null)

/// Two workers, of which one trains a teacher and the other two runs of four.
let private act (on: SweepEvent -> unit) =
    on (Message "Training.")
    on (FromWorker(0, TrainingEvent.CohortStarted([| "teacher resnet14" |], 1, 0, 2, 10, true)))

    let events: TrainingEvent list =
        [ TrainingEvent.CohortStarted([| "student-seed0"; "student-seed1" |], 1, 0, 2, 10)
          TrainingEvent.ValidationStarted 1
          TrainingEvent.EpochEnded("student-seed0", record 1 30.0)
          TrainingEvent.EpochEnded("student-seed1", record 1 30.0)
          TrainingEvent.Message "One to know." ]

    for reported in events do
        on (FromWorker(1, reported))

[<Tests>]
let tests =
    testList
        "progress of workers"
        [ test "in plain lines each line has its worker's name" {
              use output = new StringWriter(NewLine = "\n")
              let pool = PoolLines(output, [ "cpu 1"; "cpu 10" ])
              act pool.On
              pool.On(Idle 1)

              Expect.equal
                  (output.ToString())
                  "Training.
cpu 1  | teacher: teacher resnet14 (2 epochs of 10 steps)
cpu 10 | cohort: student-seed0, student-seed1 (2 epochs of 10 steps)
cpu 10 | epoch 1/2, 812 images/s, 0 s left
cpu 10 |   student-seed0  top-1 error 30.00 %  loss 2.5 (ce 1.25)
cpu 10 |   student-seed1  top-1 error 30.00 %  loss 2.5 (ce 1.25)
cpu 10 | One to know.
"
                  "whole text"
          }

          test "on a terminal each has a block, under a line for the sweep" {
              use said = new StringWriter(NewLine = "\n")
              let clock = Clock()
              let mutable view: IRenderable = Text ""

              let pool = PoolLive(console 110 40 said, [ "cuda:0"; "cuda:1" ], 4, clock, (fun frame -> view <- frame))

              let shown () =
                  use frame = new StringWriter(NewLine = "\n")
                  (console 110 40 frame).Write view
                  // How wide columns are is not looked at here.
                  let words (line: string) = line.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> String.concat " "
                  frame.ToString().Split '\n' |> Array.map words |> Array.filter ((<>) "") |> List.ofArray

              act pool.On
              clock.Seconds <- 60L
              pool.On(FromWorker(1, TrainingEvent.ValidationStarted 1))

              Expect.equal
                  (shown ())
                  [ "0 of 4 runs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 3 min 00 s left"
                    "cuda:0 · teacher · epoch 1/2 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━"
                    "run top-1 error best loss of the last epoch"
                    "teacher resnet14"
                    "cuda:1 · cohort · epoch 1/2 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 812 images/s · validating · 1 min 00 s left"
                    "run top-1 error best loss of the last epoch"
                    "student-seed0 30.00 % ▁ 30.00 % 2.5 (ce 1.25)"
                    "student-seed1 30.00 % ▁ 30.00 % 2.5 (ce 1.25)" ]
                  "two runs are half way, of four"

              Expect.equal (said.ToString()) "Training.\ncuda:1: One to know.\n" "above"
              pool.On(FromWorker(1, TrainingEvent.LaneEnded("student-seed0", completed)))
              pool.On(FromWorker(1, TrainingEvent.LaneEnded("student-seed1", completed)))
              pool.On(Idle 1)

              Expect.equal
                  (shown ())
                  [ "2 of 4 runs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 1 min 00 s left"
                    "cuda:0 · teacher · epoch 1/2 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━"
                    "run top-1 error best loss of the last epoch"
                    "teacher resnet14"
                    "cuda:1 · nothing to do" ]
                  "two are done, of four"

              pool.On(TrainedElsewhere [ "cd-seed0"; "cd-seed1" ])
              Expect.equal (shown ()).Head "2 of 2 runs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 2 with other sweeps" "another sweep has the rest"
              pool.On(FromWorker(1, TrainingEvent.CohortStarted([| "cd-seed1" |], 1, 0, 2, 10)))

              Expect.equal (shown ()).Head "2 of 3 runs ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 30 s left · 1 with other sweeps" "one comes back"
          }

          for height in [ 60; 40; 24 ] do
              test $"eight of them fit on a terminal of {height} lines" {
                  let mutable view: IRenderable = Text ""
                  let names = [ for gpu in 0..7 -> $"cuda:{gpu}" ]

                  let pool = PoolLive(console 110 height TextWriter.Null, names, 128, Clock(), (fun frame -> view <- frame))

                  for worker in 0..7 do
                      pool.On(FromWorker(worker, TrainingEvent.CohortStarted([| for seed in 0..15 -> $"cd-seed{seed}" |], 1, 0, 2, 10)))

                  use frame = new StringWriter(NewLine = "\n")
                  (console 110 height frame).Write view
                  let lines = frame.ToString().Split '\n'
                  Expect.isLessThan lines.Length height "lines"
                  Expect.equal (lines |> Array.filter _.StartsWith("cuda:") |> Array.length) 8 "each is there"
              } ]
