module ChannelDistillation.Tests.Runtime.Training.HoldOutTrainingTests

open System.Threading
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining
open ChannelDistillation.Core

let private heldOut = DatasetSpec(Name = dataset.Name, HoldOut = HoldOutSpec(0.25))

let private student epochs =
    "student", RunSpec(Dataset = heldOut, Student = ModelSpec "resnet8", Train = train epochs 0.05, Losses = [| LossSpec.CrossEntropy |], Seed = 7L)

/// Four images of each class.
let private options (folder: TemporaryFolder) = TrainingOptions(Workspace folder.Path, "cpu", OpenDataset = openImages 40)

let private trainLanes folder lanes =
    let watcher = Watcher()
    CohortTrainer.Train(Array.ofList lanes, options folder, watcher.On, CancellationToken.None)
    watcher

let private result (lane: LaneSpec) = RunFolder(lane.Folder).ReadResult() |> nonNull

/// Errors of a weights file on the official validation set.
let private evaluate folder (weights: string) epoch =
    let described = DatasetCatalog.Get dataset.Name
    use model = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", described.Image, described.Classes)
    Checkpoint.LoadInto(model, weights)
    model.eval ()
    let errors = Evaluation.Errors((fun images _ -> model.Run(images).Logits), dataset, options folder)
    EpochErrors(epoch, errors.Top1Error, errors.Top5Error)

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a run with a part held out"
        [ test "A run with a hold-out split is validated on it, and tested at the end on the official set with its last and best weights" {
              use folder = new TemporaryFolder()
              let lane = lane folder "runs" (student 3)
              trainLanes folder [ lane ] |> ignore
              let result, run = result lane, RunFolder lane.Folder
              // One of the four images of each class is held out: errors are multiples of ten percent.
              for record in run.ReadMetrics() do
                  Expect.floatClose Accuracy.high (record.Top1Error / 10.0) (round (record.Top1Error / 10.0)) "a share of 10 images"

              match result.Test with
              | null -> failtest "no test errors"
              | test ->
                  Expect.equal test.Last (evaluate folder run.LatestWeights 3) "last"
                  Expect.equal test.Best (evaluate folder run.BestWeights result.Best.Epoch) "best"
          }

          test "A run interrupted during its test resumes with the test" {
              use folder = new TemporaryFolder()
              let whole = lane folder "whole" (student 2)
              trainLanes folder [ whole ] |> ignore
              let lane = lane folder "interrupted" (student 2)
              use stop = new CancellationTokenSource()
              let mutable validations = 0

              let watcher =
                  Watcher(
                      onValidation =
                          fun () ->
                              validations <- validations + 1
                              // Two epochs, then the test.
                              if validations = 3 then
                                  stop.Cancel()
                  )

              CohortTrainer.Train([| lane |], options folder, watcher.On, stop.Token)
              Expect.equal (result lane).Status RunStatus.Interrupted "interrupted"
              Expect.isNull (result lane).Test "no test errors"
              let rest = trainLanes folder [ lane ]
              Expect.equal rest.Steps 0 "nothing is trained again"
              Expect.equal (result lane) (result whole) "the same end"
          }

          test "A run without a hold-out split has no test errors" {
              use folder = new TemporaryFolder()
              let lane = lane folder "runs" (List.head (variants 1))
              trainLanes folder [ lane ] |> ignore
              Expect.isNull (result lane).Test "none"
          } ]
