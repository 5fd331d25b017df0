/// Six SGD steps with formula weights, compared with PyTorch's losses: ResNet34 -> ResNet18, and in bfloat16 ResNet-14 -> ResNet-8.
module ChannelDistillation.Tests.Runtime.Training.TrajectoryTests

open System
open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Models.Layers
open ChannelDistillation.Losses
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests

let private image = ImageShape(3, 32, 32)

/// The CPU, or the GPU in `CHANNEL_DISTILLATION_TEST_DEVICE=cuda` (bench/gpu.sh sets it). There too the steps agree with
/// PyTorch's, without TF32.
let private device =
    lazy
        (let wanted =
            Environment.GetEnvironmentVariable "CHANNEL_DISTILLATION_TEST_DEVICE" |> Option.ofObj |> Option.defaultValue "cpu"

         let chosen = Devices.Choose wanted
         GpuSettings(Tf32 = false).Apply chosen
         new torch.Device(chosen))

let private batchSize = 8

/// An entry without a name is one of trajectories.json.
let private said (name: string) standard (golden: JsonElement) =
    match golden.TryGetProperty name with
    | true, value -> string (value.GetString())
    | _ -> standard

let private studentIn = said "student" "resnet18"
let private teacherIn = said "teacher" "resnet34"

let private precisionOf (golden: JsonElement) =
    if said "precision" "float32" golden = "bfloat16" then
        Precision.BFloat16
    else
        Precision.Float32

let private datasetOf golden = if studentIn golden = "resnet18" then "cifar100" else "cifar10"

let private classesOf golden = (DatasetCatalog.Get(datasetOf golden)).Classes

let private laneOf (golden: JsonElement) =
    let optimizer = golden.GetProperty "optimizer"
    let number (name: string) = (optimizer.GetProperty name).GetDouble()

    let losses =
        [| for weight in (golden.GetProperty "weights").EnumerateObject() ->
               let parameters = LossCatalog.Get(weight.Name).DefaultParameters

               LossSpec(
                   Name = weight.Name,
                   Weight = weight.Value.GetDouble(),
                   Parameters = (if parameters.Count > 0 then parameters.With("temperature", 1.0) else parameters)
               ) |]

    let spec =
        RunSpec(
            Dataset = DatasetSpec(Name = datasetOf golden),
            Teacher = TeacherSpec(Model = ModelSpec(teacherIn golden), Checkpoint = "formula"),
            Student = ModelSpec(studentIn golden),
            Train =
                TrainSpec(
                    Epochs = 1,
                    Batch = batchSize,
                    Optimizer = SgdSpec(number "lr", number "momentum", number "weight_decay"),
                    LearningRateSchedule = LearningRateSchedule.Constant(),
                    Precision = precisionOf golden
                ),
            Losses = losses,
            Seed = 0L
        )

    new Lane(LaneSpec("golden", spec, ""), DatasetCatalog.Get(datasetOf golden), [| 0 |], device.Value)

let private teacherOf (golden: JsonElement) offset =
    let name = teacherIn golden
    let network = ModelCatalog.Get(name).Build(ModelSpec name, image, classesOf golden)
    Golden.fill offset (network.state_dict ())
    network.``to`` device.Value |> ignore
    let batchStats = golden.GetProperty("teacher_batch_norm").GetString() = "batch_stats"

    new FrozenTeacher(
        network,
        (if batchStats then
             TeacherBatchNorm.BatchStats
         else
             TeacherBatchNorm.RunningStats),
        precisionOf golden
    )

/// The labels used with PyTorch: those of the step, or the golden teacher's answers in evaluation mode, with every even row shifted by one class.
let private labelsFor (step: JsonElement) classes (teacher: FrozenTeacher) (images: torch.Tensor) =
    match step.TryGetProperty "labels" with
    | true, labels -> (torch.tensor (Golden.longs labels)).``to`` device.Value
    | _ ->

        let answer =
            teacher.Run(images, torch.zeros (int64 batchSize, torch.int64, device = device.Value), Taps.Logits).Logits.argmax(1L).cpu()

        let shift = torch.tensor [| for row in 0 .. batchSize - 1 -> if row % 2 = 0 then 1L else 0L |]
        (answer + shift).remainder(torch.tensor (int64 classes)).``to`` device.Value

/// Relative tolerances.
let private toleranceOf golden step =
    match precisionOf golden with
    // A bfloat16 number is accurate to 1 in 256; a loss, which is a mean of many, is more accurate.
    // cuDNN's convolutions round their sums at other points than the CPU's, which is visible in bfloat16: one rounding is 4e-3.
    | Precision.BFloat16 -> if device.Value.``type`` = DeviceType.CUDA then 1e-2 else 2e-3
    // Float32 is not more accurate: over six steps of eight images PyTorch's values drift by up to 1.2e-3 from the same steps in float64,
    // and as far in the channels-last layout, in the other direction (docs/decisions/0005).
    | _ -> if step < 3 then 2e-4 else 4e-3

let private check (golden: JsonElement) =
    use _ = torch.NewDisposeScope()
    let offset = (golden.GetProperty "offset").GetDouble()
    use lane = laneOf golden
    Golden.fill offset (lane.Student.state_dict ())

    for part in lane.Losses.Modules do
        let struct (_, connectors) = part
        Golden.fill (offset + 2.0) (connectors.StateInPyTorchOrder())

    use teacher = teacherOf golden (offset + 1.0)
    lane.StartEpoch()

    // The lane sums over the epoch; a step's own losses are the differences.
    let mutable before = []

    for step, expected in golden.GetProperty("steps").EnumerateArray() |> Seq.indexed do
        use _ = torch.NewDisposeScope()
        let images = (Golden.images [| int64 batchSize; 3L; 32L; 32L |] (offset + 10.0 + float step)).``to`` device.Value
        let labels = labelsFor expected (classesOf golden) teacher images
        lane.Step(Batch(images, labels, ReadOnlyMemory.Empty), teacher.Run(images, labels, lane.Losses.OfTeacher), 6)
        let sums = [ for mean in lane.SoFar().Losses -> mean * float (step + 1) ]
        let own = if step = 0 then sums else List.map2 (-) sums before
        before <- sums
        let parts = expected.GetProperty "parts"

        let wanted =
            (expected.GetProperty "loss").GetDouble() :: [ for name in lane.Losses.Active -> (parts.GetProperty name).GetDouble() ]

        let tolerance = toleranceOf golden step
        // Small losses that are differences of large numbers have the uncertainty of those.
        let floor = if precisionOf golden = Precision.BFloat16 then 0.1 else 0.0

        for name, actual, wanted in List.zip3 ("total" :: List.ofSeq lane.Losses.Active) own wanted do
            Expect.isLessThan
                (abs (actual - wanted))
                (tolerance * (abs wanted + floor))
                $"step {step + 1}, {name}: {actual}, and PyTorch's is {wanted}"

    let norm name = (lane.Student.state_dict()[name]).norm().ToDouble()

    for name in [ "fc"; "conv1" ] do
        let wanted = golden.GetProperty($"{name}_weight_norm").GetDouble()
        Expect.isLessThan (abs (norm $"{name}.weight" - wanted)) (2e-5 * wanted) $"norm of {name}.weight"

/// The student's first outputs, of our network in a given precision.
let private firstLogits (precision: Precision) (golden: JsonElement) =
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    let name, offset = studentIn golden, (golden.GetProperty "offset").GetDouble()
    use network = ModelCatalog.Get(name).Build(ModelSpec name, image, classesOf golden)
    Golden.fill offset (network.state_dict ())
    network.ComputeIn precision
    Golden.toArray (network.forward (Golden.images [| int64 batchSize; 3L; 32L; 32L |] (offset + 10.0)))

let private distance (a: float[]) (b: float[]) = sqrt (Array.fold2 (fun sum x y -> sum + (x - y) * (x - y)) 0.0 a b)

[<Tests>]
let tests =
    testSequenced
    <| testList
        "training steps agree with PyTorch"
        [ for file in [ "trajectories.json"; "bfloat16.json" ] do
              for golden in (Golden.json file).EnumerateArray() do
                  let name = golden.GetProperty("name").GetString()
                  let mode = golden.GetProperty("teacher_batch_norm").GetString()
                  test $"""{name}, teacher with {mode}, {teacherIn golden} in {said "precision" "float32" golden}""" { check golden }

          test "Outputs in bfloat16 differ from float32 as much as under PyTorch's autocast" {
              for both in (Golden.json "bfloat16.json").EnumerateArray() |> Seq.chunkBySize 2 do
                  let logits (golden: JsonElement) = Golden.doubles (golden.GetProperty "first_logits")
                  let wide, autocast = logits both[0], logits both[1]
                  let lost = distance (firstLogits Precision.BFloat16 both[1]) wide / distance autocast wide
                  Expect.isTrue (lost > 0.5 && lost < 1.3) $"{lost} times as far"
                  Golden.close 1e-4 wide (firstLogits Precision.Float32 both[0]) "in float32"
          } ]
