/// A teacher's similarities between classes in training (`wkd`).
module ChannelDistillation.Tests.Runtime.Training.ClassSimilarityTests

open System
open System.IO
open System.Threading
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Losses
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private wkd (similarity: string) =
    LossSpec(Name = "wkd", Weight = 1.0, Parameters = (LossCatalog.Get "wkd").DefaultParameters.With("similarity", similarity))

let private run epochs similarity = spec teacher (train epochs 0.02) [ loss "ce" 1.0 always; wkd similarity ]

let private cache (folder: TemporaryFolder) = Path.Combine(folder.Path, "cache", "class-similarities")

let private files folder =
    if Directory.Exists(cache folder) then
        [ for file in Directory.GetFiles(cache folder) |> Array.sort -> nonNull (Path.GetFileName file) ]
    else
        []

let private computing = "Computing the teacher's class similarities from the 23 training images, once for this teacher."

let private distances (path: string) =
    use _ = torch.NewDisposeScope()
    use state = CheckpointFile.Open path
    let entry = state.Sets |> Seq.collect _.Tensors |> Seq.find (fun tensor -> tensor.Name.EndsWith "class_distances")
    Golden.toArray (state.Read entry)

[<Tests>]
let tests =
    testSequenced
    <| testList
        "training: class similarities"
        [ test "Similarities are computed once for all runs with a teacher, and not again for later ones" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let lanes place = [ for name in [ "features"; "logits"; "classifier" ] -> lane folder place (name, run 1 name) ]
              let first = lanes "first" @ [ lane folder "first" ("same", run 1 "features") ]
              // One message each for features and logits; a classifier's rows need no images.
              Expect.equal (List.ofSeq (trainLanes folder first).Said) [ computing; computing ] "messages"

              Expect.equal
                  [ for file in files folder -> file.Substring(file.IndexOf '-') ]
                  [ "-classifier.safetensors"; "-features.safetensors"; "-logits.safetensors" ]
                  "cached"

              let second = lanes "second"
              Expect.isEmpty (trainLanes folder second).Said "messages of a second sweep"

              for one, other in List.zip (List.take 3 first) second do
                  Expect.equal (outcome other) (outcome one) other.Name

              let all = [ for lane in second -> distances (RunFolder lane.Folder).State ]
              Expect.equal (List.distinct all).Length 3 "three different matrices"

              for values in all do
                  Expect.all values (fun value -> value > 0.0 && value < 1.0) "distances"
                  // Of a class from itself.
                  for label in 0..9 do
                      Expect.isLessThan values[11 * label] 1e-5 "diagonal"
          }

          test "An interrupted run keeps its distances, even if the cached similarities are damaged" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let whole = lane folder "whole" ("wkd", run 2 "features")
              let broken = lane folder "broken" ("wkd", run 2 "features")
              trainLanes folder [ whole ] |> ignore
              trainUntil 3 folder [ broken ] |> ignore
              let before = distances (RunFolder broken.Folder).State

              for file in Directory.GetFiles(cache folder) do
                  File.WriteAllText(file, "damaged")

              Expect.equal (List.ofSeq (trainLanes folder [ broken ]).Said) [ computing ] "computed again"
              Expect.equal (distances (RunFolder broken.Folder).State) before "distances"
              Expect.equal (outcome broken) (outcome whole) "as if never interrupted"
          }

          test "A class with a single training image fails the run that needs more, and no other" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let few = TrainingOptions(Workspace folder.Path, "cpu", OpenDataset = openImages 19)
              let lanes = [ lane folder "runs" ("features", run 1 "features"); lane folder "runs" ("classifier", run 1 "classifier") ]
              let watcher = Watcher()
              CohortTrainer.Train(Array.ofList lanes, few, watcher.On, CancellationToken.None)

              Expect.equal
                  [ for lane in lanes -> watcher.Ended[lane.Name].Status, watcher.Ended[lane.Name].Message ]
                  [ RunStatus.Failed,
                    "The similarities of classes need at least 2 training images of each class, but class 9 has 1. Set `similarity: classifier`."
                    RunStatus.Completed, null ]
                  "how they ended"
          }

          test "A run that is stopped while similarities are computed starts with the next sweep" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              use stop = new CancellationTokenSource()
              let watcher = Watcher(onSay = stop.Cancel)
              let stopped = lane folder "runs" ("wkd", run 2 "features")
              CohortTrainer.Train([| stopped |], options folder, watcher.On, stop.Token)
              Expect.equal watcher.Ended["wkd"].Status RunStatus.Interrupted "stopped"
              Expect.isEmpty (files folder) "cached"
              Expect.equal (trainLanes folder [ stopped ]).Ended["wkd"].Status RunStatus.Completed "repeated"
          } ]
