module ChannelDistillation.Tests.Models.ModelTests

open System
open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Models
open ChannelDistillation.Specs
open ChannelDistillation.Tests

let private stem (entry: JsonElement) = if Golden.text "stem" entry = "imagenet" then Stem.ImageNet else Stem.Cifar

let private number (name: string) (entry: JsonElement) = entry.GetProperty(name).GetInt32()

let private parameters (model: Backbone) = model.parameters () |> Seq.sumBy (fun parameter -> parameter.numel ())

let private agrees (entry: JsonElement) =
    let name, size, offset = Golden.text "arch" entry, number "input_size" entry, entry.GetProperty("offset").GetDouble()

    let stemName = Golden.text "stem" entry

    testCase $"{name} with the {stemName} stem agrees with PyTorch"
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
        let output = model.Run(Golden.images [| 2L; 3L; int64 size; int64 size |] offset)

        let shapes = [ for feature in output.Features -> List.ofArray feature.shape ]
        Expect.equal shapes [ for shape in Golden.items "tap_shapes" entry -> List.ofArray (Golden.longs shape) ] "shapes of the stages"

        Expect.equal
            [ for shape in descriptor.Features(spec, image) -> [ 2L; int64 shape.Channels; int64 shape.Height; int64 shape.Width ] ]
            shapes
            "shapes foretold without building the model"

        for feature, means in Seq.zip output.Features (Golden.items "tap_channel_means" entry) do
            let shown = (Golden.longs (means.GetProperty "shape"))[1]
            let actual = feature.mean([| 2L; 3L |]).narrow(1, 0, shown)
            Golden.closeWith 1.0 1e-4 (Golden.doubles (means.GetProperty "data")) (Golden.toArray actual) "channel means"

        Golden.closeWith 1.0 1e-4 (Golden.doubles (entry.GetProperty("logits").GetProperty "data")) (Golden.toArray output.Logits) "logits"
        Expect.equal (output.Embedding.shape |> List.ofArray) [ 2L; (List.last shapes)[1] ] "shape of the embedding"

[<Tests>]
let golden =
    testSequenced <| testList "models: golden" [ for entry in (Golden.json "models.json").EnumerateArray() -> agrees entry ]
