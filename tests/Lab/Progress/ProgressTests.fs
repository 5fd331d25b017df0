module ChannelDistillation.Tests.Lab.Progress.ProgressTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Progress.Views

let private numbers (entries: (string * float) list) : IReadOnlyDictionary<string, float> = Dictionary(dict entries)

let private record epoch =
    EpochRecord(
        Epoch = epoch,
        LearningRate = 0.1,
        Loss = 2.1531,
        Losses = numbers [ "ce", 1.2045; "cd", 0.1581 ],
        LossWeights = numbers [ "ce", 1.0; "cd", 6.0 ],
        TrainTop1Error = 40.0,
        TrainTop5Error = 10.0,
        Top1Error = 31.25,
        Top5Error = 7.5,
        ImagesPerSecond = 812.4,
        Seconds = 12.0
    )

[<Tests>]
let tests =
    testList
        "progress"
        [ test "durations are short and readable" {
              let shown = [ 0.4; 59.0; 125.0; 3600.0; 90061.0 ] |> List.map (TimeSpan.FromSeconds >> Figures.duration)
              Expect.equal shown [ "0 s"; "59 s"; "2 min 05 s"; "1 h 00 min"; "1 d 01 h" ] "durations"
          }

          test "plain lines: one is one" {
              use output = new StringWriter(NewLine = "\n")
              let lines = Lines(output, 1)
              lines.On(TrainingEvent.CohortStarted([| "student-seed0" |], 1, 0, 1, 1))
              Expect.equal (output.ToString()) "cohort 1 of 1: student-seed0 (1 epoch of 1 step)\n" "whole text"
          }

          test "plain lines: a block for each epoch, and why a run ended early" {
              use output = new StringWriter(NewLine = "\n")
              let lines = Lines(output, 1)
              lines.On(TrainingEvent.CohortStarted([| "student-seed0"; "cd-seed0" |], 2, 0, 2, 79))
              lines.On(TrainingEvent.StepEnded(2, 1, 128L, TimeSpan.FromSeconds 1.0))
              lines.On(TrainingEvent.EpochEnded("student-seed0", record 2))
              lines.On(TrainingEvent.EpochEnded("cd-seed0", record 2))
              lines.On(TrainingEvent.LaneEnded("student-seed0", RunResult(RunStatus.Completed, null, null)))
              lines.On(TrainingEvent.LaneEnded("cd-seed0", RunResult(RunStatus.Diverged, null, null, "the loss is not a number")))

              Expect.equal
                  (output.ToString())
                  "cohort 1 of 1: student-seed0, cd-seed0 (2 epochs of 79 steps, resuming at epoch 2)\n\
                   epoch 2/2, 812 images/s, 0 s left\n\
                   \032 student-seed0  top-1 error 31.25 %  loss 2.153 (ce 1.204, cd 0.1581)\n\
                   \032 cd-seed0       top-1 error 31.25 %  loss 2.153 (ce 1.204, cd 0.1581)\n\
                   \032 cd-seed0 diverged: the loss is not a number\n"
                  "whole text"
          }

          test "the time left is measured from the steps and the validations of this process, also where it began within an epoch" {
              let clock = Clock()
              let pace = EtaEstimator(1, clock)

              let wait seconds = clock.Seconds <- clock.Seconds + seconds

              let left () = Expect.wantSome pace.CohortLeft "known" |> _.TotalSeconds
              pace.Start(TrainingEvent.CohortStarted([| "cd" |], 2, 95, 4, 100))
              Expect.floatClose Accuracy.high pace.Fraction 0.4875 "of the whole"
              wait 2L
              pace.Advance(2, 97)
              Expect.isNone pace.CohortLeft "two steps are too few"
              wait 3L
              pace.Validate 2
              Expect.floatClose Accuracy.high (left ()) 200.0 "two hundred steps; nothing is known of validations"
              wait 30L
              pace.Advance(2, 100)
              Expect.floatClose Accuracy.high (left ()) 260.0 "and two validations"
              wait 100L
              pace.Validate 3
              Expect.floatClose Accuracy.high (left ()) 160.0 "a hundred steps, the validation that begins, and the last"
              wait 50L
              pace.Advance(3, 100)
              Expect.floatClose Accuracy.high (left ()) 140.0 "validations take forty seconds"
          }

          test "plain lines: where a run goes on" {
              for startEpoch, startStep, expected in [ 1, 0, ""; 2, 0, ", resuming at epoch 2"; 1, 7, ", resuming after step 7 of epoch 1" ] do
                  use output = new StringWriter(NewLine = "\n")
                  let lines = Lines(output, 1)
                  lines.On(TrainingEvent.CohortStarted([| "cd" |], startEpoch, startStep, 3, 9))
                  Expect.equal (output.ToString()) $"cohort 1 of 1: cd (3 epochs of 9 steps{expected})\n" "line"
          }

          test "a step is reported in well under a microsecond" {
              let lines = Lines(TextWriter.Null, 1)
              lines.On(TrainingEvent.CohortStarted([| "student-seed0" |], 1, 0, 1, 1_000_000))
              let elapsed = TimeSpan.FromSeconds 1.0

              let (), took =
                  ProcessorTime.ofWork (fun () ->
                      for step in 1..1_000_000 do
                          lines.On(TrainingEvent.StepEnded(1, step, int64 step, elapsed)))

              // It is about 50 ms.
              Expect.isLessThan took.TotalSeconds 1.0 "processor time of a million steps"
          } ]
