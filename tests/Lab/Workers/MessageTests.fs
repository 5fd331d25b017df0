module ChannelDistillation.Tests.Lab.Workers.MessageTests

open System
open System.Collections.Generic
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Overview

/// Records the progress it receives.
type private Notes() =
    let notes = ResizeArray<string>()
    member _.All = List.ofSeq notes

    interface IProgress with
        member _.Teacher
            with set value = notes.Add $"teacher {value}"

    interface ITrainingObserver with
        member _.CohortStarted(lanes, startEpoch, startStep, epochs, stepsPerEpoch) =
            notes.Add $"cohort {List.ofSeq lanes} {startEpoch} {startStep} {epochs} {stepsPerEpoch}"

        member _.StepEnded(epoch, step, images, elapsed) = notes.Add $"step {epoch} {step} {images} {elapsed.TotalSeconds}"
        member _.ValidationStarted epoch = notes.Add $"validation {epoch}"
        member _.EpochEnded(lane, record) = notes.Add $"epoch {lane} {record.Epoch} {record.Loss} {record.Losses.Count}"
        member _.LaneEnded(lane, result) = notes.Add $"lane {lane} {result.Status} {result.Message}"
        member _.Say message = notes.Add $"say {message}"

/// The progress that an observer receives from the lines of a worker.
let private received (tell: ITrainingObserver -> IProgress -> unit) =
    let notes = Notes()

    let reporting =
        Messages.Reporting(fun line ->
            match Messages.read line with
            | Reply.Told tell -> tell (notes :> IProgress)
            | other -> failtest $"{other}")

    tell reporting reporting
    notes.All

let private losses: IReadOnlyDictionary<string, float> = Dictionary(dict [ "ce", 1.5 ])

[<Tests>]
let tests =
    testList
        "messages of workers"
        [ test "Messages report the worker's progress to an observer" {
              let told =
                  received (fun observer progress ->
                      progress.Teacher <- true
                      observer.CohortStarted([| "a"; "b" |], 2, 3, 4, 5)
                      observer.StepEnded(2, 4, 64L, TimeSpan.FromSeconds 1.5)
                      observer.ValidationStarted 2

                      observer.EpochEnded(
                          "a",
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
                      )

                      observer.LaneEnded("a", RunResult(RunStatus.Diverged, null, null, "zu groß\nreally"))
                      observer.Say "a \"word\"")

              Expect.equal
                  told
                  [ "teacher True"
                    "cohort [a; b] 2 3 4 5"
                    "step 2 4 64 1.5"
                    "validation 2"
                    "epoch a 2 NaN 1"
                    "lane a Diverged zu groß\nreally"
                    "say a \"word\"" ]
                  "in the same order"
          }

          test "Messages give the reason why a worker exits" {
              match Messages.read (Messages.leaving "The device is not there.\nUse another.") with
              | Reply.Leaving why -> Expect.equal why "The device is not there.\nUse another." "the reason"
              | other -> failtest $"{other}"
          }

          test "Messages request parts of a sweep in a mode, and costs" {
              for request in
                  [ DoPart(TeachersOf(set [ "a" ]), Standard)
                    DoPart(RunsOf(set [ "a"; "b" ]), Standard)
                    DoPart(FreeRunsOf(set [ "c" ]), Conservative)
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
                  [ """{"event":"weather"}""", "the event `weather`"
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
