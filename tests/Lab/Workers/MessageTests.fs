module ChannelDistillation.Tests.Lab.Workers.MessageTests

open System
open System.Collections.Generic
open System.Text.Json
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Overview

/// The events that arrive of those that a worker reports.
let private received (events: TrainingEvent list) : TrainingEvent list =
    let received = ResizeArray<TrainingEvent>()

    let report =
        Messages.reporting (fun line ->
            match Messages.read line with
            | Reply.Reported reported -> received.Add reported
            | other -> failtest $"{other}")

    List.iter report events
    List.ofSeq received

let private losses: IReadOnlyDictionary<string, float> = Dictionary(dict [ "ce", 1.5 ])

[<Tests>]
let tests =
    testList
        "messages of workers"
        [ test "Events of a worker's training arrive as they were reported" {
              let record =
                  EpochRecord(
                      Epoch = 2,
                      LearningRate = 0.1,
                      Loss = nan,
                      Losses = losses,
                      LossWeights = losses,
                      TrainTop1Error = 1.0,
                      TrainTop5Error = 1.0,
                      Top1Error = 1.0,
                      Top5Error = 1.0,
                      ImagesPerSecond = 1.0,
                      Seconds = 1.0
                  )

              let events: TrainingEvent list =
                  [ TrainingEvent.CohortStarted([| "a"; "b" |], 2, 3, 4, 5, true)
                    TrainingEvent.StepEnded(2, 4, 64L, TimeSpan.FromSeconds 1.5)
                    TrainingEvent.EpochTrained(2, TimeSpan.FromSeconds 2.5, TimeSpan.FromSeconds 0.5)
                    TrainingEvent.ValidationStarted 2
                    TrainingEvent.EpochEnded("a", record)
                    TrainingEvent.LaneEnded("a", RunResult(RunStatus.Diverged, null, null, "zu groß\nreally"))
                    TrainingEvent.Message "a \"word\"" ]

              let json (reported: TrainingEvent) = JsonSerializer.Serialize(reported, RecordJson.Line)
              Expect.equal (received events |> List.map json) (events |> List.map json) "in the same order"

              Expect.equal
                  (json events[0])
                  """{"event":"cohort","lanes":["a","b"],"start_epoch":2,"start_step":3,"epochs":4,"steps_per_epoch":5,"is_teacher":true}"""
                  "one line of JSON each"
          }

          test "Messages give the reason why a worker exits" {
              match Messages.read (Messages.leaving "The device is not there.\nUse another.") with
              | Reply.Exiting why -> Expect.equal why "The device is not there.\nUse another." "the reason"
              | other -> failtest $"{other}"
          }

          test "Messages request parts of a sweep in a mode, and costs" {
              for request in
                  [ DoPart(TeachersOf(set [ "a" ]), Standard)
                    DoPart(RunsOf(set [ "a"; "b" ]), Standard)
                    DoPart(UnclaimedRunsOf(set [ "c" ]), Conservative)
                    RequestCosts ] do
                  Expect.equal (Messages.readRequest (Messages.request request)) request "the same"

              Expect.equal (Messages.readExperiment (Messages.experiment "a: 1\nb: \"2\"\n")) "a: 1\nb: \"2\"\n" "the same text"
          }

          test "Messages report that a worker is ready, the costs of networks, and the end of a part" {
              let expectSame line (expected: Reply) = Expect.equal $"%A{Messages.read line}" $"%A{expected}" "the same"
              let ready = { Device = "cuda:0"; Obstacles = [ "a"; "b" ]; Hint = Some "c" }
              expectSame (Messages.ready ready) (Reply.Ready ready)
              expectSame (Messages.ready { ready with Hint = None }) (Reply.Ready { ready with Hint = None })

              let costs =
                  [ CountedModel(ModelSpec("resnet18", Nullable Stem.ImageNet), ImageShape(3, 224, 224), 1000), ModelCost(1L, 2L)
                    CountedModel(ModelSpec "resnet8", ImageShape(1, 28, 28), 10), ModelCost(3L, 4L) ]

              expectSame (Messages.counted costs) (Reply.Counted costs)
              let ended = { ClaimedElsewhere = [ "a" ]; Obstacles = [ "b" ]; Missing = []; Remarks = [ "c"; "d" ] }
              expectSame (Messages.ended ended) (Reply.Ended ended)
          }

          test "Unknown messages and malformed lines are distinguished and ignored" {
              let long = String('x', 100)

              for line, expected in
                  [ """{"event":"weather"}""", """the line `{"event":"weather"}`"""
                    """{"event":"step","epoch":"one"}""", """the line `{"event":"step","epoch":"one"}`"""
                    """{"event":"cohort"}""", """the line `{"event":"cohort"}`"""
                    "{ half", "the line `{ half`"
                    "[1]", "the line `[1]`"
                    "null", "the line `null`"
                    "7", "the line `7`"
                    "", "the line ``"
                    long, $"the line `{long.Substring(0, 80)}...`" ] do
                  match Messages.read line with
                  | Reply.Strange what -> Expect.equal what expected line
                  | other -> failtest $"{line}: {other}"
          }

          test "A worker on a GPU sees only that GPU" {
              let visible = WorkerDevice.visible
              Expect.equal (visible None (Gpu(1, None))) (Some "1") "of all"
              Expect.equal (visible (Some "") (Gpu(0, Some 2))) (Some "0") "of all"
              Expect.equal (visible (Some "4, 5") (Gpu(1, None))) (Some "5") "of those that are visible here"
              Expect.equal (visible (Some "GPU-a,GPU-b") (Gpu(0, None))) (Some "GPU-a") "by its name"
              Expect.isNone (visible (Some "0") (Processor 1)) "the CPU: as it is"
              Expect.isNone (visible (Some "0,1") (Sole "cuda:1")) "a single worker: as it is"

              Expect.equal
                  ([ Processor 2; Gpu(3, Some 1); Sole "cuda:1" ] |> List.map WorkerDevice.inWorker)
                  [ "cpu"; "cuda:0"; "cuda:1" ]
                  "its device"
          }

          test "A plan suggests several workers per GPU if the CPU issues steps more slowly than the GPU computes them" {
              Expect.equal (Estimate.hint (0.001, 0.005)) "" "the GPU is the slower"
              Expect.equal (Estimate.hint (0.0, infinity)) "" "not measured"

              Expect.equal
                  (Estimate.hint (0.0051, 0.0052))
                  "; the CPU takes 5.1 ms to issue a step of 5.2 ms, so the GPU waits for it: try --workers-per-device 2"
                  "the CPU is the slower"
          }

          test "Workers that share a GPU are numbered" {
              let names devices = devices |> List.map string
              Expect.equal (names (WorkerDevice.onGpus [ 0; 1 ])) [ "cuda:0"; "cuda:1" ] "one on each"
              Expect.equal (names (WorkerDevice.onGpus [ 0; 1; 0 ])) [ "cuda:0 1"; "cuda:1"; "cuda:0 2" ] "two on the first"
              Expect.equal (WorkerDevice.times 2 [ Gpu(3, None) ]) (WorkerDevice.onGpus [ 3; 3 ]) "two on each"
              Expect.equal (names (WorkerDevice.times 2 [ Processor 1; Processor 2 ])) [ "cpu 1"; "cpu 2"; "cpu 3"; "cpu 4" ] "on the CPU"

              Expect.equal
                  (WorkerDevice.onGpus [ 1; 1 ] |> List.map (WorkerDevice.visible (Some "4,5")))
                  [ Some "5"; Some "5" ]
                  "both see the same GPU"
          } ]
