/// Training with `precision: bfloat16`.
module ChannelDistillation.Tests.Runtime.Training.PrecisionTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private in16Bits (train: TrainSpec) =
    TrainSpec(
        Epochs = train.Epochs,
        Batch = train.Batch,
        Optimizer = train.Optimizer,
        LearningRateSchedule = train.LearningRateSchedule,
        Precision = Precision.BFloat16
    )

let private narrow (run: RunSpec) =
    RunSpec(Dataset = run.Dataset, Teacher = run.Teacher, Student = run.Student, Train = in16Bits run.Train, Losses = run.Losses, Seed = run.Seed)

/// One without a teacher, and one with.
let private narrowVariants =
    [ for name, run in variants 2 do
          if name = "student" || name = "cd+gkd" then
              name, narrow run ]

let private lossesOf (lane: LaneSpec) = [ for record in RunFolder(lane.Folder).ReadMetrics() -> record.Loss ]

/// At least one of each family, with all of its layers; wider and deeper ones repeat them.
let private families =
    [ "resnet18"
      "resnet50"
      "resnet8"
      "resnet8x4"
      "wrn16-2"
      "vgg8"
      "mobilenetv1"
      "mobilenetv2"
      "shufflenetv1"
      "shufflenetv2" ]

let private image = ImageShape(3, 32, 32)

/// All outputs of a network for two images, and the network in training mode.
let private answers (name: string) (precision: Precision) training =
    let descriptor = ModelCatalog.Get name
    let model = descriptor.Build(ModelSpec name, image, 10)
    Golden.fill 5.0 (model.state_dict ())
    model.train training
    model.ComputeIn precision

    let output =
        model.Run(Golden.images [| 4L; 3L; 32L; 32L |] 1.0, Taps.Everything ||| Taps.PreActivations descriptor.Stages.Count)

    model,
    [ output.Logits
      output.Embedding
      yield! output.Features
      yield! output.PreActivations
      yield! output.ChannelMeans ]

let private distance (a: torch.Tensor) (b: torch.Tensor) = (a - b).norm().ToDouble() / b.norm().ToDouble()

[<Tests>]
let tests =
    testSequenced
    <| testList
        "training in bfloat16"
        [ for name in families do
              test $"The outputs of {name} in bfloat16 are float32, near those in float32, and its gradients are float32" {
                  use _ = torch.NewDisposeScope()

                  let _, wide =
                      use _ = torch.no_grad ()
                      answers name Precision.Float32 false

                  let model, near =
                      use _ = torch.no_grad ()
                      answers name Precision.BFloat16 false

                  for mine, exact in List.zip near wide do
                      Expect.equal mine.dtype torch.ScalarType.Float32 "type of an answer"
                      let lost = distance mine exact
                      Expect.isTrue (lost > 1e-5 && lost < 0.05) $"relative distance {lost}"

                  model.Dispose()
                  let model, taught = answers name Precision.BFloat16 true
                  (taught |> List.map _.square().mean() |> List.reduce (fun a b -> a + b)).backward()

                  for struct (name, parameter) in model.named_parameters () do
                      match parameter.grad with
                      | null -> failtest $"no gradient has reached {name}"
                      | gradient ->
                          Expect.equal (parameter.dtype, gradient.dtype) (torch.ScalarType.Float32, torch.ScalarType.Float32) name
                          Expect.isTrue (gradient.isfinite().all().ToBoolean()) name

                  model.Dispose()
              }

          test "A teacher with BatchNorm folded into bfloat16 convolutions is as accurate as without folding" {
              use _ = torch.NewDisposeScope()
              use _ = torch.no_grad ()
              let images, labels = Golden.images [| 4L; 3L; 32L; 32L |] 1.0, torch.zeros (4L, torch.int64)

              let logits precision =
                  let model, unfolded = answers "resnet20" precision false
                  use teacher = new FrozenTeacher(model, TeacherBatchNorm.RunningStats, precision)
                  let answer () = teacher.Run(images, labels, Taps.Logits).Logits
                  let first = answer ()
                  Expect.equal (Golden.toArray (answer ())) (Golden.toArray first) "asked again"
                  unfolded.Head, first

              let exact, _ = logits Precision.Float32
              let unfolded, folded = logits Precision.BFloat16
              Expect.isGreaterThan (distance folded unfolded) 0.0 "folding rounds elsewhere"
              Expect.isLessThan (distance folded exact) (2.0 * distance unfolded exact) "relative distance to float32"
          }

          test "A run in bfloat16 has identical results alone, in a cohort and after an interruption, and its saved weights and momenta are float32" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let together = [ for variant in narrowVariants -> lane folder "together" variant ]
              trainLanes folder together |> ignore
              let stopped = [ for variant in narrowVariants -> lane folder "stopped" variant ]
              trainUntil 3 folder stopped |> ignore
              trainLanes folder stopped |> ignore

              for variant in narrowVariants do
                  let alone = lane folder "alone" variant
                  trainLanes folder [ alone ] |> ignore
                  Expect.equal (outcome (lane folder "together" variant)) (outcome alone) $"{fst variant} in company"
                  Expect.equal (outcome (lane folder "stopped" variant)) (outcome alone) $"{fst variant} interrupted"
                  let wide = lane folder "wide" (variants 2 |> List.find (fun (name, _) -> name = fst variant))
                  trainLanes folder [ wide ] |> ignore

                  for near, exact in List.zip (lossesOf alone) (lossesOf wide) do
                      Expect.notEqual near exact "another precision"
                      Expect.isLessThan (abs (near - exact)) (0.05 * abs exact) "loss"

                  for path in Directory.GetFiles(alone.Folder, "*.safetensors", SearchOption.AllDirectories) do
                      use file = CheckpointFile.Open path

                      for tensor in file.Sets |> Seq.collect _.Tensors do
                          Expect.isFalse (tensor.Type.Name = "bfloat16") $"{path}: {tensor.Name}"

                  let moved = folder.File "moved.safetensors"
                  File.Copy(RunFolder(alone.Folder).LatestWeights, moved, overwrite = true)

                  for path, where in [ RunFolder(alone.Folder).LatestWeights, "in its run's folder"; moved, "elsewhere" ] do
                      use file = CheckpointFile.Open path
                      Expect.equal (CheckpointOrigin.Of file).Precision Precision.BFloat16 $"what evaluate computes in, {where}"
          }

          test "Runs with teachers in different precisions are no cohort, and one without a teacher joins any" {
              let own = [ loss "ce" 1.0 always ]
              let wide, alone = spec teacher (train 1 0.1) own, spec null (train 1 0.1) own
              let runs = [ narrow wide; wide; narrow alone ]

              let cohorts =
                  Cohort.Group(runs, id) |> Seq.map (Seq.map (fun run -> List.findIndex ((=) run) runs) >> List.ofSeq) |> List.ofSeq

              Expect.equal cohorts [ [ 0; 2 ]; [ 1 ] ] "cohorts"
          }

          test "Teacher outputs in bfloat16 and float32 are cached separately" {
              use folder = new TemporaryFolder()
              let still = DatasetSpec(Name = dataset.Name, Augmentation = AugmentationSpec.None)
              let cached = TeacherSpec(Model = teacher.Model, Train = teacher.Train, Cache = true)
              TeacherStore(Workspace folder.Path).Train(cached, still, options folder, Watcher().On, Threading.CancellationToken.None)

              let run teacher =
                  RunSpec(
                      Dataset = still,
                      Teacher = teacher,
                      Student = ModelSpec "resnet8",
                      Train = train 2 0.05,
                      Losses = [| loss "ce" 1.0 always; loss "kd" 1.0 always |],
                      Seed = 1L
                  )

              let trained name run =
                  let lane = lane folder "runs" (name, run)
                  trainLanes folder [ lane ] |> ignore
                  lossesOf lane

              let kept () = Directory.GetDirectories(Path.Combine(folder.Path, "cache", "teacher-signals")).Length
              trained "wide" (run cached) |> ignore
              Expect.equal (kept ()) 1 "in float32"
              let withCache = trained "narrow" (narrow (run cached))
              Expect.equal (kept ()) 2 "in bfloat16 too"

              for one, other in List.zip withCache (trained "without" (narrow (run teacher))) do
                  Expect.isLessThan (abs (one - other)) (2e-3 * abs other) "loss with and without"
          } ]
