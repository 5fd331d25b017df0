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
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests

let private plan (teacher: string) = Base.plan (Base.text.Replace("{ model: resnet20, checkpoint: pretrain/teacher.pth }", teacher)) []

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

    Expect.throwsC (fun () -> train root (plan teacher) |> ignore) (fun error ->
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
        [ test "Training a teacher needs a recipe" {
              refused
                  "{ model: resnet20, checkpoint: pretrain/teacher.pth }"
                  ("example reads its teacher from pretrain/teacher.pth and has no recipe for it. "
                   + "To train a teacher, write teacher: { model: resnet20, train: { epochs: 30 } }")
          }

          test "A trained teacher is not trained again" {
              use root = new TemporaryFolder()
              let plan = plan "{ model: resnet20, train: { epochs: 2 } }"
              let last = EpochErrors(2, 8.5, 0.25)
              leave root plan (RunResult(RunStatus.Completed, last, last))
              Expect.equal (train root plan |> List.map snd) [ Ready last ] "outcome"
          }

          test "A diverged teacher is not retried without --retry-failed" {
              use root = new TemporaryFolder()
              let plan = plan "{ model: resnet20, train: { epochs: 2 } }"
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
