module ChannelDistillation.Tests.Launch.Workers.MessageTests

open System
open System.Collections.Generic
open Expecto
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Dsl.Progress
open ChannelDistillation.Records
open ChannelDistillation.Training

/// Writes down what it is told.
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

/// What an observer is told of lines that a worker wrote.
let private received (tell: ITrainingObserver -> IProgress -> unit) =
    let notes = Notes()
    let ends = ResizeArray<PartEnd>()
    let reporting = Messages.Reporting(fun line -> Messages.read notes line |> Option.iter ends.Add)
    tell reporting reporting
    Expect.isEmpty ends "no end"
    notes.All

let private losses: IReadOnlyDictionary<string, float> = Dictionary(dict [ "ce", 1.5 ])

[<Tests>]
let tests =
    testList
        "messages of workers"
        [ test "tell an observer what the worker's own was told" {
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

          test "name parts of a sweep" {
              for part in [ TeachersOf(set [ "a" ]); RunsOf(set [ "a"; "b" ]); FreeRunsOf(set [ "c" ]) ] do
                  Expect.equal (Messages.readPart (Messages.part part)) part "the same part"

              Expect.equal (Messages.readExperiment (Messages.experiment "a: 1\nb: \"2\"\n")) "a: 1\nb: \"2\"\n" "the same text"
          }

          test "tell the end of a part" {
              let ended = { InOtherHands = [ "a" ]; Obstacles = [ "b" ]; Missing = []; Remarks = [ "c"; "d" ] }

              Expect.equal (Messages.read (Notes()) (Messages.ended ended)) (Some ended) "the same end"
          }

          test "leave alone what others write on the same stream" {
              for line in [ "a warning of some library"; "{ half"; "[1]"; "{}"; "" ] do
                  let notes = Notes()
                  Expect.isNone (Messages.read notes line) "no end"
                  Expect.equal notes.All [ "say " + line ] "passed on"
          }

          test "a worker on a GPU sees that one only" {
              let visible = WorkerDevice.visible
              Expect.equal (visible None (Gpu 1)) (Some "1") "of all"
              Expect.equal (visible (Some "") (Gpu 0)) (Some "0") "of all"
              Expect.equal (visible (Some "4, 5") (Gpu 1)) (Some "5") "of those that are visible here"
              Expect.equal (visible (Some "GPU-a,GPU-b") (Gpu 0)) (Some "GPU-a") "by its name"
              Expect.isNone (visible (Some "0") (Processor 1)) "the processor: as it is"
              Expect.equal ([ Processor 2; Gpu 3 ] |> List.map WorkerDevice.inWorker) [ "cpu"; "cuda:0" ] "its device"
          } ]
