/// Every method in training: alone and in a cohort, interrupted and resumed.
module ChannelDistillation.Tests.Runtime.Training.MethodTrainingTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private methods =
    [ for descriptor in LossCatalog.All do
          if descriptor.NeedsTeacher then
              descriptor ]

/// The same with a flag of a loss switched on.
let private switched on (name, spec: RunSpec) =
    name,
    RunSpec(
        Dataset = spec.Dataset,
        Teacher = spec.Teacher,
        Student = spec.Student,
        Train = spec.Train,
        Losses =
            [| for loss in spec.Losses ->
                   if loss.Name = name then
                       LossSpec(Name = name, Weight = loss.Weight, Parameters = loss.Parameters.With(on, true), Schedule = loss.Schedule)
                   else
                       loss |],
        Seed = spec.Seed
    )

/// A run with cross-entropy and one method, whose weight reaches its full value in two epochs.
let private run epochs (descriptor: LossDescriptor) =
    descriptor.Name,
    spec
        teacher
        (train epochs 0.02)
        [ loss "ce" 1.0 always
          loss descriptor.Name descriptor.DefaultWeight (LossWeightSchedule(Warmup = min 2 descriptor.DefaultWarmup)) ]

let private learns (descriptor: LossDescriptor) =
    testCase $"All parameters and buffers of {descriptor.Name} change within two steps"
    <| fun () ->
        use _ = torch.NewDisposeScope()
        let images = DatasetCatalog.Get "fashion-mnist-mini"
        let labels = [| for image in 0..39 -> image % 10 |]
        use lane = new Lane(LaneSpec(descriptor.Name, snd (run 2 descriptor), ""), images, labels, torch.CPU)
        let network = ModelCatalog.Get("resnet14").Build(teacher.Model, images.Image, images.Classes)
        Initialisation.Initialise(network, 1L, "teacher")
        use teacher = new FrozenTeacher(network, TeacherBatchNorm.BatchStats)

        let own () =
            [ for entry in lane.State() do
                  // A constant of the run, which is saved so that a resumed run has the same one.
                  if entry.Key.StartsWith "losses." && not (entry.Key.EndsWith "class_distances") then
                      entry.Key, Golden.toArray entry.Value ]

        let before = own ()
        lane.StartEpoch()

        for step in 0..1 do
            let pixels = Golden.images [| 8L; 1L; 32L; 32L |] (float step)
            let indices = [| for image in 8 * step .. 8 * step + 7 -> image |]
            let classes = torch.tensor [| for image in indices -> int64 labels[image] |]
            lane.Step(Batch(pixels, classes, indices.AsMemory()), teacher.Run(pixels, classes, lane.Losses.OfTeacher), 2)

        for (name, first), (_, last) in List.zip before (own ()) do
            Expect.all last Double.IsFinite name
            Expect.notEqual last first $"{name} has moved"

        Expect.isNull (lane.Broken()) "every value is a number"

[<Tests>]
let tests =
    testList
        "training: methods"
        [ yield! List.map learns methods

          testCase "Every method trains to its end, with the same results in one cohort as alone"
          <| fun () ->
              use folder = new TemporaryFolder()
              trainTeacher folder
              let together = [ for descriptor in methods -> lane folder "together" (run 1 descriptor) ]
              let ended = (trainLanes folder together).Ended

              for descriptor in methods do
                  Expect.equal (descriptor.Name, ended[descriptor.Name].Status) (descriptor.Name, RunStatus.Completed) "how it ended"

              // The two with the most state between steps, the one with the most layers, and those with other teacher outputs.
              for name in [ "crd"; "vid"; "reviewkd"; "sd-dkd"; "wkd" ] do
                  let alone = lane folder "alone" (run 1 (LossCatalog.Get name))
                  trainLanes folder [ alone ] |> ignore
                  Expect.equal (outcome alone) (outcome (together |> List.find (fun lane -> lane.Name = name))) $"{name} alone"

          testCase "Contrastive distillation interrupted within an epoch restores its memory bank"
          <| fun () ->
              use folder = new TemporaryFolder()
              trainTeacher folder
              let whole = lane folder "whole" (run 2 (LossCatalog.Get "crd"))
              let broken = lane folder "broken" (run 2 (LossCatalog.Get "crd"))
              trainLanes folder [ whole ] |> ignore
              trainUntil 3 folder [ broken ] |> ignore
              Expect.isTrue (File.Exists(Path.Combine(broken.Folder, "run.json"))) "interrupted"
              trainLanes folder [ broken ] |> ignore
              Expect.equal (outcome broken) (outcome whole) "as if never interrupted"

          testCase "A trained temperature changes, with the same results alone and after an interruption"
          <| fun () ->
              use folder = new TemporaryFolder()
              trainTeacher folder
              let trained folderName name = lane folder folderName (switched "train_temperature" (run 2 (LossCatalog.Get name)))
              let together = [ trained "together" "kd"; trained "together" "dkd" ]
              trainLanes folder together |> ignore

              for whole in together do
                  let broken = trained "broken" whole.Name
                  trainUntil 3 folder [ broken ] |> ignore
                  trainLanes folder [ broken ] |> ignore
                  Expect.equal (outcome broken) (outcome whole) $"{whole.Name}: as if never interrupted, and alone"
                  use _ = torch.NewDisposeScope()
                  use state = CheckpointFile.Open(RunFolder(whole.Folder).State)
                  let theta = state.Sets |> Seq.collect _.Tensors |> Seq.find (fun tensor -> tensor.Name.EndsWith "theta")
                  Expect.notEqual (Golden.toArray (state.Read theta)) [| 1.0 |] $"{whole.Name}: the temperature is not the first one"

          testCase "Hints come first and alone if the other losses start when they stop"
          <| fun () ->
              use folder = new TemporaryFolder()
              trainTeacher folder

              let staged =
                  lane
                      folder
                      "staged"
                      ("fitnets",
                       spec
                           teacher
                           (train 2 0.02)
                           [ loss "ce" 1.0 (LossWeightSchedule(StartAfter = 1))
                             loss "fitnets" 100.0 (LossWeightSchedule(StopAfter = 1)) ])

              trainLanes folder [ staged ] |> ignore

              Expect.equal
                  [ for record in RunFolder(staged.Folder).ReadMetrics() -> List.ofSeq record.Losses.Keys ]
                  [ [ "fitnets" ]; [ "ce" ] ]
                  "active losses of each epoch"

          testCase "The classifier keeps its initial weights while cross-entropy is inactive, or decays as if the loss were multiplied by 0"
          <| fun () ->
              use folder = new TemporaryFolder()
              trainTeacher folder

              let waiting decays =
                  let ce = loss "ce" 1.0 (LossWeightSchedule(StartAfter = 1, DecaysAtZero = decays))
                  let run = lane folder $"{decays}" ("cd", spec teacher (train 1 0.05) [ ce; loss "cd" 6.0 always ])
                  trainLanes folder [ run ] |> ignore
                  use _ = torch.NewDisposeScope()
                  use weights = CheckpointFile.Open(RunFolder(run.Folder).LatestWeights)
                  weights.Sets[0].Tensors |> Seq.find (fun tensor -> tensor.Name = "fc.weight") |> weights.Read |> Golden.toArray

              let initial =
                  use _ = torch.NewDisposeScope()
                  let student = ModelCatalog.Get("resnet8").Build(ModelSpec "resnet8", ImageShape(1, 32, 32), 10)
                  Initialisation.Initialise(student, 7L, "student")
                  Golden.toArray (student.state_dict()["fc.weight"])

              // PyTorch's SGD with a gradient of 0: v = 0.9 v + 5e-4 w, w = w - 0.05 v, in five steps.
              let decayed weight =
                  ((weight, 0.0), [ 1..5 ]) ||> List.fold (fun (w, v) _ -> let v = 0.9 * v + 5e-4 * w in w - 0.05 * v, v) |> fst

              Expect.equal (waiting false) initial "no decay"
              Golden.close 1e-6 (Array.map decayed initial) (waiting true) "decayed" ]
