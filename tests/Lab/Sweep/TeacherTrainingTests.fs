module ChannelDistillation.Tests.Lab.Sweep.TeacherTrainingTests

open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests

let private planOf (teacher: string) = Base.plan (Base.text.Replace("{ model: resnet20, checkpoint: pretrain/teacher.pth }", teacher)) []

let private train (root: TemporaryFolder) (plan: Plan) =
    let options =
        { Workspace = Workspace root.Path
          Device = "cpu"
          Threads = None
          ComputeSettings = ComputeSettings.standard
          RetryFailed = false
          Quiet = true }

    TeacherTraining.run options plan CancellationToken.None

let private refused teacher message =
    use root = new TemporaryFolder()

    Expect.throwsC (fun () -> train root (planOf teacher) |> ignore) (fun error ->
        match error with
        | UsageError text -> Expect.equal text message "message"
        | other -> failtest $"another failure: {other}")

/// The training folder of a teacher, with the given result.
let private leave (root: TemporaryFolder) (plan: Plan) (result: RunResult) =
    let teacher = (Teachers.ofPlan plan).Head
    let weights = TeacherStore(Workspace root.Path).CheckpointOf(teacher.Spec, teacher.Dataset)
    let checkpoints = nonNull (Path.GetDirectoryName weights)
    Directory.CreateDirectory checkpoints |> ignore
    use network = (ModelCatalog.Get "resnet20").Build(ModelSpec "resnet20", ImageShape(1, 32, 32), 10)
    SafetensorsFile.Write(weights, network.state_dict (), readOnlyDict [ "epoch", "2" ])
    let folder = RunFolder(nonNull (Path.GetDirectoryName checkpoints))
    folder.WriteStart("teacher", teacher.Spec.AsRun teacher.Dataset, "cpu", struct (1, 0))
    folder.WriteResult result

[<Tests>]
let tests =
    testList
        "training teachers alone"
        [ test "The plan says which settings make a teacher new, compared with the most similar one of its model" {
              use root = new TemporaryFolder()
              let plan = planOf "{ model: resnet20, train: { epochs: 5 } }"
              let note () = (Teachers.ofPlan plan).Head |> Overview.TeacherChanges.note (Workspace root.Path)
              Expect.isNone (note ()) "the first teacher"
              let completed = RunResult(RunStatus.Completed, EpochErrors(2, 1.0, 1.0), EpochErrors(2, 1.0, 1.0))
              let earlier text = leave root (planOf text) completed
              earlier "{ model: resnet20, train: { epochs: 3, batch: 32 } }"
              earlier "{ model: resnet20, train: { epochs: 5, batch: 1000000, optimizer: { sgd: { momentum: 0.9 } } }, seed: 3 }"
              earlier "{ model: resnet14, train: { epochs: 5 } }"
              let text = Expect.wantSome (note ()) "another teacher"

              Expect.equal
                  (System.Text.RegularExpressions.Regex.Replace(text, "-[0-9a-f]{8} ", "-HASH "))
                  "It is new: fashion-mnist-mini-resnet20-HASH has epochs 3, here 5; batch 32, here 64."
                  "the most similar one"

              leave root plan completed
              Expect.isNone (note ()) "trained"
          }

          test "Training a teacher needs a recipe" {
              refused
                  "{ model: resnet20, checkpoint: pretrain/teacher.pth }"
                  ("example reads its teacher from pretrain/teacher.pth and has no recipe for it. "
                   + "To train a teacher, write teacher: { model: resnet20, train: { epochs: 30 } }")
          }

          test "A trained teacher is not trained again" {
              use root = new TemporaryFolder()
              let plan = planOf "{ model: resnet20, train: { epochs: 2 } }"
              let last = EpochErrors(2, 8.5, 0.25)
              leave root plan (RunResult(RunStatus.Completed, last, last))
              Expect.equal (train root plan |> List.map snd) [ Ready last ] "outcome"
          }

          test "A diverged teacher is not retried without --retry-failed" {
              use root = new TemporaryFolder()
              let plan = planOf "{ model: resnet20, train: { epochs: 2 } }"
              leave root plan (RunResult(RunStatus.Diverged, null, null, "In epoch 1, ce became infinite."))
              Directory.CreateDirectory(Path.Combine(root.Path, "data")) |> ignore

              for file in Directory.GetFiles(Path.Combine(Repository.root, "data", "fashion-mnist-mini")) do
                  let copy = Path.Combine(root.Path, "data", "fashion-mnist-mini", string (Path.GetFileName file))
                  Directory.CreateDirectory(nonNull (Path.GetDirectoryName copy)) |> ignore
                  File.Copy(file, copy)

              Expect.equal
                  (train root plan |> List.map snd)
                  [ GivenUp "The teacher resnet20 diverged or failed in an earlier command; --retry-failed retries it." ]
                  "outcome"
          } ]
