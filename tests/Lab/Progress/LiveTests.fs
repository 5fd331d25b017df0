/// The view on a terminal, as text.
module ChannelDistillation.Tests.Lab.Progress.LiveTests

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

/// The last frame, and what scrolled above it.
let private shown height cohorts (act: Live -> Clock -> unit) =
    use said = new StringWriter(NewLine = "\n")
    let clock = Clock()
    let mutable view: IRenderable = Text ""
    act (Live(console 100 height said, cohorts, clock, (fun frame -> view <- frame))) clock
    use frame = new StringWriter(NewLine = "\n")
    (console 100 height frame).Write view
    let lines = frame.ToString().Split '\n' |> Array.map _.TrimEnd() |> Array.filter ((<>) "") |> List.ofArray
    lines, said.ToString()

[<Tests>]
let tests =
    testList
        "the live view"
        [ test "a sparkline goes from the lowest to the highest of the last values" {
              Expect.equal (Sparkline.render 8 [ 90.0; 50.0; 30.0; 20.0; 10.0 ]) "█▅▃▂▁" "curve"
              Expect.equal (Sparkline.render 2 [ 90.0; 50.0; 30.0 ]) "█▁" "the last two"
              Expect.equal (Sparkline.render 8 [ 5.0; 5.0 ]) "▁▁" "flat"
              Expect.equal (Sparkline.render 8 []) "" "nothing"
          }

          test "the sweep, the cohort, and each run with its curve; messages scroll above" {
              let lines, said =
                  shown 40 2 (fun live clock ->
                      live.On(TrainingEvent.CohortStarted([| "student-seed0"; "cd-seed0" |], 1, 0, 4, 10))

                      for epoch in 1..2 do
                          clock.Seconds <- clock.Seconds + 60L
                          live.On(TrainingEvent.ValidationStarted epoch)
                          live.On(TrainingEvent.EpochEnded("student-seed0", record epoch (60.0 / float epoch)))
                          live.On(TrainingEvent.EpochEnded("cd-seed0", record epoch 25.0))

                      live.On(TrainingEvent.LaneEnded("cd-seed0", RunResult(RunStatus.Diverged, null, null, "cd became infinite.")))
                      live.On(TrainingEvent.Message "A teacher is waited for."))

              Expect.equal
                  lines
                  [ "cohort 1 of 2 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 6 min 00 s left"
                    "epoch 2/4     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ · 812 images/s · 2 min 00 s left"
                    "run                 top-1 error       best loss of the last epoch"
                    "student-seed0           30.00 % █▁ 30.00 % 2.5 (ce 1.25)"
                    "cd-seed0 (diverged)     25.00 % ▁▁ 25.00 % 2.5 (ce 1.25)" ]
                  "view"

              Expect.equal said "cd-seed0: cd became infinite.\nA teacher is waited for.\n" "above it"
          }

          test "a message leaves nothing of the view's line that it is written over" {
              use output = new StringWriter(NewLine = "\n")

              let terminal =
                  AnsiConsole.Create(
                      AnsiConsoleSettings(Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.NoColors, Out = AnsiConsoleOutput output)
                  )

              terminal.Profile.Width <- 20
              Above.say terminal "Long enough for two lines"
              Expect.equal (output.ToString()) "\u001b[0JLong enough for two \nlines\n" "all is erased before it"
          }

          test "a view of one cohort has one line above its runs, and more runs than fit are counted" {
              let lines, _ =
                  shown 8 1 (fun live _ -> live.On(TrainingEvent.CohortStarted([| for lane in 1..5 -> $"run{lane}" |], 1, 0, 4, 10)))

              Expect.equal
                  (lines |> List.map _.Trim())
                  [ "cohort 1 of 1 · epoch 1/4 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━"
                    "run        top-1 error  best loss of the last epoch"
                    "run1"
                    "run2"
                    "and 3 more" ]
                  "view"
          } ]
