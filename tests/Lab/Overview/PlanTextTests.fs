module ChannelDistillation.Tests.Lab.Overview.PlanTextTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Checkpoints
open ChannelDistillation.Models
open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Tests

let private experiment =
    "experiment: small
dataset: cifar100
teacher: { model: resnet20, checkpoint: pretrain/none.safetensors }
student: { model: resnet8 }
train:
  epochs: 8
  batch: 100
  optimizer: { sgd: { lr: 0.1 } }
  lr_schedule: constant
losses:
  ce: { weight: 1 }
  cd: { weight: 6 }
variants:
  student: [ce]
  edt:
    - ce: { start_after: 2 }
    - cd: { decay: { linear: { until: 8, to: 0.5 } } }
seeds: [0]
"

let private planned (folder: TemporaryFolder) =
    let file = folder.File "small.yaml"
    File.WriteAllText(file, experiment)

    match Experiments.load file [] false with
    | Ok(plan, _) -> plan
    | Error problems -> failtest (Render.problems problems)

let private render (folder: TemporaryFolder) plan jobs costOf =
    (let workspace = Workspace folder.Path in
     PlanText.render workspace "cpu" 16 plan jobs (PlanInputs.survey workspace jobs) (PlanInputs.examine workspace jobs) [] costOf)
        .Replace(folder.Path, "ROOT")

let private epoch number seconds =
    EpochRecord(
        Epoch = number,
        LearningRate = 0.1,
        Loss = 1.0,
        Losses = readOnlyDict [],
        LossWeights = readOnlyDict [],
        TrainTop1Error = 1.0,
        TrainTop5Error = 1.0,
        Top1Error = 1.0,
        Top5Error = 1.0,
        ImagesPerSecond = 1.0,
        Seconds = seconds
    )

/// The plan of the experiment with a teacher's file: its first lines before the cohorts, and the reasons why the teacher is unusable.
let private withTeacher prefix (metadata: (string * string) list) change =
    use _ = torch.NewDisposeScope()
    use folder = new TemporaryFolder()
    let plan = planned folder
    let jobs = Job.ofPlan (folder.File "runs") plan
    let model = ModelCatalog.Get("resnet20").Create.Invoke(BackboneOptions(Stem.Cifar, 3, 100))
    let state = [| for entry in model.state_dict () -> KeyValuePair(prefix + entry.Key, change entry.Key entry.Value) |]
    SafetensorsFile.Write(folder.File "pretrain/none.safetensors", state, Dictionary(dict metadata))
    let text = render folder plan jobs (fun _ -> None)
    let unusable = PlanInputs.examine (Workspace folder.Path) jobs |> PlanInputs.unusableTeachers
    text.Substring(0, text.IndexOf "\n\nCohort").Split('\n')[3..] |> List.ofArray, unusable |> List.map _.Replace(folder.Path, "ROOT")

let private unchanged _ (tensor: torch.Tensor) = tensor

[<Tests>]
let tests =
    testList
        "the text of a plan"
        [ test "A plan opens a teacher's checkpoint: the weights that are used, and those that cannot be" {
              let path = "ROOT/pretrain/none.safetensors"
              Expect.equal (withTeacher "" [] unchanged) ([ $"Teacher resnet20: {path}" ], []) "usable"

              Expect.equal
                  (withTeacher "ema." [] unchanged)
                  ([ $"Teacher resnet20: {path} (names without `ema.`, an average of the weights over training steps)" ], [])
                  "an average"

              let broken =
                  $"The teacher resnet20 cannot be used. {path} contains infinite or NaN values in `bn1.running_var`. "
                  + "Training may have diverged before it was written."

              let infinite name (tensor: torch.Tensor) = if name = "bn1.running_var" then torch.full_like (tensor, infinity) else tensor
              Expect.equal (withTeacher "" [] infinite) ([ broken ], [ broken ]) "not finite"

              let other =
                  $"The teacher resnet20 cannot be used. {path} does not contain the weights of this model (resnet20): its classifier has 50 classes, "
                  + "the dataset has 100. They are the weights of resnet20 for 50 classes."

              let half (name: string) (tensor: torch.Tensor) = if name.StartsWith "fc." then tensor.narrow (0L, 0L, 50L) else tensor
              Expect.equal (withTeacher "" [] half) ([ other ], [ other ]) "another number of classes"
          }

          test "A plan warns if the training of a teacher does not match the experiment, with both values" {
              let normalize = """{"name":"cifar100","normalize":{"mean":[0.5,0.5,0.5],"std":[0.25,0.25,0.25]}}"""
              let start = "Warning: The training of the teacher resnet20 does not match this experiment: "

              for metadata, differences in
                  [ [ "dataset", """{"name":"cifar100"}""" ], []
                    [ "dataset", normalize; "precision", "bfloat16" ],
                    [ start
                      + "normalisation mean 0.5 0.5 0.5, std 0.25 0.25 0.25, here mean 0.4914 0.4824 0.4467, std 0.2471 0.2435 0.2616; "
                      + "precision bfloat16, here float32." ]
                    [ "dataset", """{"name":"image_folder","image_folder":"birds","classes":100}""" ],
                    [ start
                      + "dataset birds, here cifar100; images of 3x224x224, here 3x32x32; "
                      + "normalisation mean 0.485 0.456 0.406, std 0.229 0.224 0.225, here mean 0.4914 0.4824 0.4467, std 0.2471 0.2435 0.2616." ]
                    [ "dataset", """{"name":"elsewhere"}""" ], [] ] do
                  Expect.equal
                      (withTeacher "" metadata unchanged)
                      ("Teacher resnet20: ROOT/pretrain/none.safetensors" :: differences, [])
                      $"{metadata}"
          }

          test "The plan shows cohorts, costs, states and the changes of loss weights" {
              use folder = new TemporaryFolder()
              let plan = planned folder
              let jobs = Job.ofPlan (folder.File "runs") plan

              let cost: Estimate.Estimate = { Time = TimeSpan.FromMinutes 90.0; Bytes = Some(3L <<< 29); Source = "from a test" }

              let expected =
                  "small: 2 runs in 1 cohort

Dataset cifar100: to be downloaded by sweep (169 MB).
Teacher resnet20: its checkpoint ROOT/pretrain/none.safetensors does not exist; sweep needs it.

Cohort 1: 2 runs, 8 epochs, batch 100, 500 steps per epoch, data seed 0
  about 1 h 30 min, 1.5 GiB of memory (from a test)
  run            losses and weights  state
  student-seed0  ce 1                new
  edt-seed0      ce 1, cd 6          new

Loss weights over 8 epochs
  edt  ce  ··██████  0, 1 from 3
       cd  █▇▆▆▅▅▄▄  6, 5.571 from 2, ..., 3 from 8
"

              Expect.equal (render folder plan jobs (fun _ -> Some cost)) expected "the text"
          }

          test "The plan shows parameters that are not defaults, grids with fewer rows than points, and runs that variants share" {
              use folder = new TemporaryFolder()
              let file = folder.File "small.yaml"
              let declared = "  cd: { weight: 6 }\n  kd: { temperature: 8, standardize: true }\n  sd-nkd: { keep_label: false }\n"
              let variants = "variants:\n  same: [ce: { weight: 1 }]\n  kd: [ce, kd]\n  all: [ce, sd-nkd]\n"
              let grid = "grid:\n  product: { losses.kd.weight: [1, 2] }\n"
              File.WriteAllText(file, experiment.Replace("  cd: { weight: 6 }\n", declared).Replace("variants:\n", variants) + grid)

              let plan =
                  match Experiments.load file [ "variants.edt", "null" ] false with
                  | Ok(plan, _) -> plan
                  | Error problems -> failtest (Render.problems problems)

              let jobs = Job.ofPlan (folder.File "runs") plan
              let lines = (render folder plan jobs (fun _ -> None)).Split '\n'

              Expect.equal
                  [ for line in lines do
                        if line.StartsWith "Grid" || line.StartsWith "The variants" || line.StartsWith "  " || line.StartsWith "--only" then
                            line ]
                  [ "Grid: 2 points for 4 variants give 5 rows, not 8: points that differ only on axes that a variant does not use share a row."
                    "The variants `same` and `student` share 1 run; it is trained once."
                    "  variant  kd.weight  seed  losses and weights                            state"
                    "  same                0     ce 1                                          new"
                    "  kd       1          0     ce 1, kd 1 (temperature 8, standardize true)  new"
                    "  kd       2          0     ce 1, kd 2 (temperature 8, standardize true)  new"
                    "  all                 0     ce 1, sd-nkd 1 (keep_label false)             new"
                    "--only selects runs by name (`kd-kd.weight=1-seed0`), row (`kd[kd.weight=1]`) or variant (`kd`)." ]
                  "lines"

              let chosen pattern = Job.chosen (Some pattern) jobs |> List.map _.Run.Name

              for pattern in [ "student"; "student-seed0"; "same"; "s*" ] do
                  Expect.equal (chosen pattern) [ "same-seed0" ] $"--only {pattern}"

              for pattern in [ "kd[weight=2]"; "k*[losses.kd.weight=2.0]"; "kd*=2-*" ] do
                  Expect.equal (chosen pattern) [ "kd-kd.weight=2-seed0" ] $"--only {pattern}"
          }

          test "The plan omits axes with one value, and gives the epochs of a run only where they differ" {
              use folder = new TemporaryFolder()
              let file = folder.File "small.yaml"

              File.WriteAllText(
                  file,
                  experiment
                  + "grid: { product: { train.epochs: [8, 9], lr: { paths: [train.optimizer.sgd.lr], values: [0.05] }, student.model: [resnet20] } }\n"
              )

              match Experiments.load file [ "variants.edt", "null"; "train.lr_schedule", "constant" ] false with
              | Error problems -> failtest (Render.problems problems)
              | Ok(plan, _) ->
                  let lines = (render folder plan (Job.ofPlan (folder.File "runs") plan) (fun _ -> None)).Split '\n'

                  Expect.equal
                      [ for line in lines do
                            if line.StartsWith "Cohort" || line.StartsWith "  " then
                                line ]
                      [ "Cohort 1: 2 runs, batch 100, 500 steps per epoch, data seed 0"
                        "  variant  epochs  seed  losses and weights  state"
                        "  student  8       0     ce 1                new"
                        "  student  9       0     ce 1                new" ]
                      "lines"
          }

          test "The plan states which missing files sweep can download" {
              use folder = new TemporaryFolder()

              let note dataset =
                  let file = folder.File "small.yaml"
                  File.WriteAllText(file, experiment.Replace("dataset: cifar100", $"dataset: {dataset}"))

                  match Experiments.load file [ "train.epochs", "1"; "train.batch", "60000"; "variants.edt", "null" ] false with
                  | Ok(plan, _) -> render folder plan (Job.ofPlan (folder.File "runs") plan) (fun _ -> None)
                  | Error problems -> failtest (Render.problems problems)

              Expect.stringContains
                  (note "{ image_folder: photos, classes: 3 }")
                  "Dataset photos: not on this machine. There is no folder photos. It must contain train/ and val/"
                  "a folder"

              Expect.stringContains (note "imagenet") "Dataset imagenet: not on this machine. There is no folder data/imagenet." "imagenet"
              let small = note "cifar10"
              Expect.stringContains small "batch 60000, 1 step per epoch" "one is one"
              Expect.stringContains small "Dataset cifar10: to be downloaded by sweep (170 MB)." "cifar10"
          }

          test "The plan states the source of a teacher" {
              use folder = new TemporaryFolder()

              let note (teacher: string) dataset =
                  let file = folder.File "small.yaml"
                  let text = experiment.Replace("{ model: resnet20, checkpoint: pretrain/none.safetensors }", teacher)
                  File.WriteAllText(file, text.Replace("dataset: cifar100", $"dataset: {dataset}").Replace("- cd:", "- kd:"))

                  match Experiments.load file [ "losses.kd.weight", "1" ] false with
                  | Ok(plan, _) ->
                      let text = render folder plan (Job.ofPlan (folder.File "runs") plan) (fun _ -> None)
                      text.Split '\n' |> Array.find (fun line -> line.StartsWith "Teacher")
                  | Error problems -> failtest (Render.problems problems)

              let known = "Teacher resnet34: resnet34-imagenet, to be downloaded by sweep (87 MB)."
              Expect.equal (note "resnet34-imagenet" "imagenet") known "by its name"
              Expect.equal (note "{ model: resnet34, checkpoint: pretrain/resnet34-333f7ec4.pth }" "imagenet") known "by its file"

              Expect.stringStarts
                  (note "resnet152-cifar100" "cifar100")
                  "Teacher resnet152: not on this machine. The teacher resnet152-cifar100 is not in pretrain/resnet152-cifar.pth. The paper's repository links this file; its address and checksum are not known here."
                  "one that nobody offers"

              Expect.equal
                  (note "{ model: resnet20, train: { epochs: 3 } }" "cifar100")
                  "Teacher resnet20: sweep trains it first, 3 epochs; not included in the times below."
                  "a recipe"
          }

          test "The plan estimates the remaining time from finished epochs" {
              use folder = new TemporaryFolder()
              let jobs = Job.ofPlan (folder.File "runs") (planned folder)
              Expect.isNone (Estimate.fromRecords jobs) "nothing is known before"

              for job in jobs do
                  Directory.CreateDirectory job.Folder |> ignore

              for number, seconds in [ 1, 30.0; 2, 10.0; 3, 12.0 ] do
                  RunFolder(jobs.Head.Folder).AppendMetrics(epoch number seconds)

              RunFolder(jobs[1].Folder).AppendMetrics(epoch 1 12.0)
              let known = (Estimate.fromRecords jobs).Value
              Expect.equal known.Time (TimeSpan.FromSeconds(7.0 * 12.0)) "the median epoch, as often as the run that is furthest behind needs"
              Expect.equal known.Source "from its earlier epochs" "where it comes from"

              RunFolder(jobs.Head.Folder).WriteResult(RunResult(RunStatus.Completed, EpochErrors(8, 1.0, 1.0), EpochErrors(8, 1.0, 1.0)))
              let half = (Estimate.fromRecords [ { jobs.Head with State = Done }; jobs[1] ]).Value
              Expect.equal half.Time (TimeSpan.FromSeconds(7.0 * 6.0)) "one of two lanes is left, and takes its share of an epoch"
          }

          test "Steps are measured even if dataset and teacher are missing" {
              use folder = new TemporaryFolder()
              let jobs = Job.ofPlan (folder.File "runs") (planned folder)
              let layouts = LayoutChoice(Workspace folder.Path, "cpu")
              let known = Estimate.fromMeasuredSteps "cpu" layouts (DatasetCatalog.Describe jobs.Head.Run.Spec.Dataset) jobs
              Expect.isGreaterThan known.Time (TimeSpan.FromSeconds 8.0) "50,000 images, eight times, take longer than that"
              Expect.isGreaterThan known.Bytes.Value (50L <<< 20) "the process alone needs more"
              Expect.equal known.Source "from 3 measured steps of each kind of run on cpu" "where it comes from"
          } ]
