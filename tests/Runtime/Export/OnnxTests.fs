/// Exported networks compute in ONNX Runtime what they compute here.
module ChannelDistillation.Tests.Runtime.Export.OnnxTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Export
open ChannelDistillation.Tests

/// ONNX Runtime's library is not in the archive of `publish`.
let requireRuntime () =
    try
        OnnxSession.RuntimeVersion |> ignore
    with
    | :? System.TypeInitializationException
    | :? System.DllNotFoundException -> skiptest "ONNX Runtime's native library is not in this copy of the program"

let private request model keepsBatchNorm =
    ExportRequest(
        Model = ModelSpec model,
        Dataset = DatasetSpec(Name = "cifar10"),
        Format = ExportFormat.Onnx,
        HasFeatures = true,
        KeepsBatchNorm = keepsBatchNorm
    )

let private build (descriptor: ModelDescriptor) stem size =
    let image = ImageShape(3, size, size)
    let network = descriptor.Build(ModelSpec(descriptor.Name, stem), image, 10)
    network.eval ()
    network

/// Exports a network of random weights, and compares all outputs for three images.
let private compare (descriptor: ModelDescriptor) (stem: Stem) size keepsBatchNorm =
    requireRuntime ()
    use _ = torch.NewDisposeScope()
    use _ = torch.no_grad ()
    use folder = new TemporaryFolder()
    let path = folder.File "network.onnx"
    use network = build descriptor (System.Nullable stem) size
    let images = Golden.images [| 3L; 3L; int64 size; int64 size |] 1.0
    let state = network.state_dict ()
    Golden.fill 5.0 state
    let expected = OnnxNames.Of(network.Run(images, Taps.Everything), true)
    // Folding changes the network.
    use exported = build descriptor (System.Nullable stem) size

    for entry in exported.state_dict () do
        entry.Value.copy_ state[entry.Key] |> ignore

    let graph = NetworkExport.Graph(exported, ImageShape(3, size, size), request descriptor.Name keepsBatchNorm)
    OnnxFile.Write(path, graph, readOnlyDict [])
    use session = new OnnxSession(path, 1)
    let names = [| for struct (name, _) in expected -> name |]
    Expect.equal (Array.ofSeq session.Outputs) names "outputs"

    for struct (name, wanted), actual in Seq.zip expected (session.Run(images, names)) do
        Expect.equal actual.shape wanted.shape $"shape of {name}"
        let largest = wanted.abs().max().item<float32>()
        Expect.isLessThan ((wanted - actual).abs().max().item<float32>() / largest) 1e-4f $"relative difference of {name}"

    Set.ofSeq (graph.Node |> Seq.map _.OpType)

/// A network that computes its logits with functions of libtorch that no trace records.
type private Untraced() =
    inherit Network("untraced")
    override _.Run(images: torch.Tensor, _: Taps) = ModelOutput(images.mean [| 2L; 3L |], [||], null)

[<Tests>]
let tests =
    testList
        "export: ONNX"
        [ for descriptor in ModelCatalog.All do
              test $"{descriptor.Name} has the same logits, embedding and stages in ONNX Runtime" {
                  let kinds = compare descriptor Stem.Cifar 32 false
                  // A wide ResNet normalises sums, which no convolution can include.
                  Expect.equal (kinds.Contains "BatchNormalization") (descriptor.Name.StartsWith "wrn") "folded"
              }

          test "An ImageNet stem has the same outputs in ONNX Runtime" {
              let kinds = compare (ModelCatalog.Get "resnet18") Stem.ImageNet 64 false
              Expect.isTrue (kinds.Contains "MaxPool") "its pooling"
          }

          test "A VGG that pools large images once more has the same outputs in ONNX Runtime" {
              compare (ModelCatalog.Get "vgg8") Stem.Cifar 64 false |> ignore
          }

          test "Two students whose features are added have the same outputs in ONNX Runtime" {
              for name in [ "resnet8-assisted"; "mobilenetv2-assisted" ] do
                  compare (ModelCatalog.Get name) Stem.Cifar 32 false |> ignore
          }

          test "A network that computes with a function that is not traced is refused" {
              use network = new Untraced()

              let message =
                  try
                      OnnxGraph.Of(network, ImageShape(3, 32, 32), false, null) |> ignore
                      "accepted"
                  with :? System.InvalidOperationException as error ->
                      error.Message

              Expect.equal message "untraced computes `logits` with a function that is not traced." "message"
          }

          test "BatchNorm that is kept has the same outputs in ONNX Runtime" {
              let kinds = compare (ModelCatalog.Get "resnet8") Stem.Cifar 32 true
              Expect.isTrue (kinds.Contains "BatchNormalization") "as nodes"
          } ]
