module ChannelDistillation.Tests.Runtime.Models.ModelTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Tests

let private stem (entry: JsonElement) = if Golden.text "stem" entry = "imagenet" then Stem.ImageNet else Stem.Cifar

let private number (name: string) (entry: JsonElement) = entry.GetProperty(name).GetInt32()

let private parameters (model: Network) = model.parameters () |> Seq.sumBy (fun parameter -> parameter.numel ())

let private has (name: string) (entry: JsonElement) = fst (entry.TryGetProperty name)

let private pooled (feature: torch.Tensor) = feature.mean [| 2L; 3L |]

/// Tensors of [batch, channels]; the golden files contain the first channels.
let private firstChannels what (actual: torch.Tensor list) (expected: JsonElement list) =
    Expect.equal actual.Length expected.Length $"{what}: number of stages"

    for actual, expected in List.zip actual expected do
        let shown = (Golden.longs (expected.GetProperty "shape"))[1]
        Golden.closeWith 1.0 1e-4 (Golden.doubles (expected.GetProperty "data")) (Golden.toArray (actual.narrow (1, 0, shown))) what

let private agrees (entry: JsonElement) =
    let name, size, offset = Golden.text "arch" entry, number "input_size" entry, entry.GetProperty("offset").GetDouble()

    let stemName = Golden.text "stem" entry

    testCase $"The outputs of {name} with the {stemName} stem on images of {size} pixels agree with PyTorch"
    <| fun () ->
        use _ = torch.NewDisposeScope()
        use _ = torch.no_grad ()
        let spec = ModelSpec(name, stem entry)
        let image = ImageShape(3, size, size)
        let descriptor = ModelCatalog.Get name
        use model = descriptor.Build(spec, image, number "classes" entry)

        let state = model.state_dict ()

        let expectedState =
            [ for item in Golden.items "state_dict" entry -> string (item[0].GetString()), List.ofArray (Golden.longs item[1]) ]

        Expect.equal [ for entry in state -> entry.Key, List.ofArray entry.Value.shape ] expectedState "names, shapes and order of the state"
        Expect.equal (parameters model) (int64 (number "parameters" entry)) "number of parameters"

        Golden.fill offset state
        model.eval ()
        let stages = (descriptor.Features(spec, image)).Count

        let output =
            model.Run(Golden.images [| 2L; 3L; int64 size; int64 size |] offset, Taps.Everything ||| Taps.PreActivations stages)

        let shapes = [ for feature in output.Features -> List.ofArray feature.shape ]
        Expect.equal shapes [ for shape in Golden.items "tap_shapes" entry -> List.ofArray (Golden.longs shape) ] "shapes of the stages"

        Expect.equal
            [ for shape in descriptor.Features(spec, image) -> [ 2L; int64 shape.Channels; int64 shape.Height; int64 shape.Width ] ]
            shapes
            "shapes foretold without building the model"

        firstChannels "channel means" [ for feature in output.Features -> pooled feature ] (Golden.items "tap_channel_means" entry)

        if has "pre_activation_channel_means" entry then
            let expected = Golden.items "pre_activation_channel_means" entry
            firstChannels "channel means of pre-activations" [ for feature in output.PreActivations -> pooled feature ] expected
            firstChannels "embedding" [ output.Embedding ] [ entry.GetProperty "embedding" ]

        Golden.closeWith 1.0 1e-4 (Golden.doubles (entry.GetProperty("logits").GetProperty "data")) (Golden.toArray output.Logits) "logits"
        Expect.equal (output.Embedding.shape |> List.ofArray) [ 2L; int64 descriptor.EmbeddingChannels ] "shape of the embedding"

[<Tests>]
let golden =
    testSequenced
    <| testList
        "models: golden"
        [ for file in [ "models.json"; "crd_models.json" ] do
              for entry in (Golden.json file).EnumerateArray() -> agrees entry ]
