/// docs/methods.md, and the requirements for every method.
module ChannelDistillation.Tests.Runtime.Losses.MethodsDocumentTests

open System.IO
open System.Text.Json
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Losses
open ChannelDistillation.Dsl.Schema
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private names = [ for loss in LossCatalog.All -> loss.Name ]

let private file (parts: string) = Path.Combine(Repository.root, parts)

/// For ResNet-32x4 -> ResNet-8x4 with 100 classes.
let private ownParameters name =
    let pair = FeaturePair.Of(ModelSpec "resnet8x4", ModelSpec "resnet32x4", ImageShape(3, 32, 32))
    let loss = Signals.buildFor name [] pair 100

    match loss.Auxiliary with
    | null -> 0L
    | layers -> layers.parameters () |> Seq.sumBy _.numel()

let private costs = lazy (JsonDocument.Parse(File.ReadAllText(file "bench/methods.json"))).RootElement

let private measured name : Methods.Measured =
    { Parameters = ownParameters name
      Cost =
        match costs.Value.TryGetProperty(name: string) with
        | true, cost -> Some(cost.GetDouble())
        | _ -> None }

/// The methods with values in a golden file.
let private golden name =
    [ for entry in (Golden.json name).EnumerateArray() ->
          match Golden.text "method" entry with
          | "fitnet" -> "fitnets"
          | "wkd_l" -> "wkd"
          | method when method.StartsWith "sdd_" -> "sd-" + method.Substring 4
          | method -> method ]

[<Tests>]
let tests =
    testList
        "losses: what every method comes with"
        [ testCase "Every method has values and gradients from PyTorch"
          <| fun () ->
              Expect.containsAll (golden "losses.json" @ golden "methods.json" @ golden "logit_losses.json") names "methods with golden values"

          testCase "Every method with layers has values from PyTorch with its layers"
          <| fun () ->
              Expect.containsAll
                  (golden "methods.json")
                  [ for name in names do
                        if ownParameters name > 0L then
                            name ]
                  "methods with layers"

          testCase "Every method has a measured cost"
          <| fun () -> Expect.containsAll [ for cost in costs.Value.EnumerateObject() -> cost.Name ] names "bench/methods.json; see bench/README.md"

          testCase "Every method has a function in F#"
          <| fun () ->
              let words = File.ReadAllText(file "dsl/Language/Builders/Losses.fs")

              for name in names do
                  Expect.stringContains words $"loss \"{name}\"" "dsl/Language/Builders/Losses.fs"

          testCase "Every method has its row in docs/methods.md"
          <| fun () ->
              let document = file "docs/methods.md"
              let text = File.ReadAllText document
              let start, finish = Expected.made text
              Expected.check document (text.Substring(0, start) + Methods.table measured + text.Substring finish) ]
