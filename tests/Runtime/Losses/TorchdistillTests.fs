/// Losses on torchvision's networks and real images, compared with the values in torchdistill's own tests
/// (tests/fixtures/losses/pre-computed_loss.json). Its configurations (configs/sample/ilsvrc2012) define the terms.
module ChannelDistillation.Tests.Runtime.Losses.TorchdistillTests

open System
open System.IO
open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Teachers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses.Signals

/// Environment variable with the path of torchdistill's repository.
let private variable = "TORCHDISTILL"

let private weights = [ "resnet18", "resnet18-f37072fd.pth"; "resnet34", "resnet34-333f7ec4.pth" ]
let private weightsOf name = Path.Combine(Repository.root, "pretrain", List.find (fst >> (=) name) weights |> snd)

let private repository () =
    match Environment.GetEnvironmentVariable variable with
    | null
    | "" -> skiptest $"{variable} does not name a copy of torchdistill's repository"
    | path ->
        for name, file in weights do
            if not (File.Exists(weightsOf name)) then
                skiptest $"torchvision's weights pretrain/{file} are not here"

        path

/// [images, 3, 224, 224], preprocessed as for evaluation on ImageNet.
let private images (repository: string) =
    use folder = new TemporaryFolder()
    let place = folder.File "val/only"
    Directory.CreateDirectory place |> ignore

    for image in Directory.GetFiles(Path.Combine(repository, "tests/fixtures/imgs"), "*.jpg") do
        File.Copy(image, Path.Combine(place, nonNull (Path.GetFileName image)))

    use set = DatasetStore.OpenFinal(DatasetStore.OfFolder folder.Path, Workspace folder.Path)
    let size = set.Shape.Channels * set.Shape.Height * set.Shape.Width
    let pixels = Array.zeroCreate<float32>(set.Count * size)

    for index in 0 .. set.Count - 1 do
        let mutable random = Randomness(0L, Purpose.Augmentation)
        set.Read(index, AugmentationSpec.None, &random, pixels.AsSpan(index * size, size))

    Golden.toTensor pixels [| int64 set.Count; int64 set.Shape.Channels; int64 set.Shape.Height; int64 set.Shape.Width |]

let private outputOf name (images: torch.Tensor) =
    let model = ModelCatalog.Get(name).Create.Invoke(BackboneOptions(Stem.ImageNet, 3, 1000))
    Checkpoint.LoadInto(model, weightsOf name)
    model.eval ()
    model.Run images

/// Some of the stages, with the flattened last one as the embedding.
let private flattened (output: ModelOutput) (stages: torch.Tensor list) =
    ModelOutput(output.Logits, List.toArray stages, (Seq.last output.Features).flatten 1L)

[<Tests>]
let tests =
    test "Losses between torchvision's ResNet-34 and ResNet-18 have torchdistill's values" {
        let repository = repository ()
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let images = images repository
        let student, teacher = outputOf "resnet18" images, outputOf "resnet34" images
        let labels = torch.zeros (images.shape[0], torch.ScalarType.Int64)

        let valueOf name given (change: ModelOutput -> ModelOutput) =
            let mine, theirs = change student, change teacher
            let loss = build name given (shapes (Seq.toArray mine.Features)) (shapes (Seq.toArray theirs.Features))
            (loss.Compute(LossInput(mine, TeacherSignals(theirs, labels), labels, ReadOnlyMemory.Empty, 1))).ToDouble()

        let ce = valueOf "ce" [] id
        let lastTwo (output: ModelOutput) = flattened output [ output.Features[2]; output.Features[3] ]
        let last (output: ModelOutput) = flattened output [ output.Features[3] ]

        let expected =
            JsonDocument.Parse(File.ReadAllText(Path.Combine(repository, "tests/fixtures/losses/pre-computed_loss.json"))).RootElement

        // Not DIST: torchdistill bounds each norm by an epsilon, while the authors' code, which we follow, adds it to the product of both. Not SP:
        // torchdistill divides rows by their sums of absolute values, the authors' code by their Euclidean norms.
        for key, tolerance, value in
            [ "kd/resnet18_from_resnet34", 1e-4, 0.5 * ce + 0.5 * valueOf "kd" [ "temperature", 1.0 ] id
              // Thirty thousand times a small difference of float32 numbers.
              "pkt/resnet18_from_resnet152", 2e-3, 30000.0 * valueOf "pkt" [] id
              "rkd/resnet18_from_resnet34", 1e-4, ce + valueOf "rkd" [ "distance", 1.0; "angle", 2.0 ] last
              "at/resnet18_from_resnet34", 1e-4, ce + 1000.0 * valueOf "at" [] lastTwo ] do
            let wanted = expected.GetProperty(key).GetDouble()
            Expect.isLessThan (abs (value / wanted - 1.0)) tolerance $"{key}: {value} and {wanted}"
    }
