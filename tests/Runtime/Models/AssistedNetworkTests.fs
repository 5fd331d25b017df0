module ChannelDistillation.Tests.Runtime.Models.AssistedNetworkTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Checkpoints
open ChannelDistillation.Tests

let private float32 = ElementType.Find(fun known -> known.Name = "float32")

let private build name = (ModelCatalog.Get name).Build(ModelSpec name, ImageShape(3, 32, 32), 10)

[<Tests>]
let tests =
    testList
        "models: assisted networks"
        [ testCase "The features of student and assistant are added, and the student's classifier is applied"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use pair = build "resnet8-assisted"
              Initialisation.Initialise(pair, 1L, "student")
              pair.eval ()
              let state = pair.state_dict ()

              let alone (prefix: string) =
                  let network = build "resnet8"

                  for entry in network.state_dict () do
                      use _ = torch.no_grad ()
                      entry.Value.copy_ state[prefix + entry.Key] |> ignore

                  network.eval ()
                  network

              use student = alone "main."
              use assistant = alone "assistant."
              let images = Golden.images [| 2L; 3L; 32L; 32L |] 1.0
              let both, mine, theirs = pair.Run images, student.Run images, assistant.Run images
              let struct (first, second) = both.Parts
              Expect.equal (Golden.toArray first.Features[1]) (Golden.toArray mine.Features[1]) "the student's part"
              Expect.equal (Golden.toArray second.Features[1]) (Golden.toArray theirs.Features[1]) "the assistant's part"
              Expect.equal (Golden.toArray both.Features[2]) (Golden.toArray (mine.Features[2] + theirs.Features[2])) "a stage"
              let embedding = mine.Embedding + theirs.Embedding
              Golden.close 1e-4 (Golden.toArray embedding) (Golden.toArray both.Embedding) "embedding"
              let logits = torch.nn.functional.linear (embedding, state["main.fc.weight"], state["main.fc.bias"])
              Golden.close 1e-4 (Golden.toArray logits) (Golden.toArray both.Logits) "logits"

          testCase "The student has the same initial weights as without an assistant, the assistant has others, both by their family's rules"
          <| fun () ->
              use _ = torch.NewDisposeScope()

              for name in [ "resnet8"; "vgg8"; "wrn16-2" ] do
                  use alone = build name
                  use pair = build (name + "-assisted")
                  Initialisation.Initialise(alone, 3L, "student")
                  Initialisation.Initialise(pair, 3L, "student")
                  let state = pair.state_dict ()
                  let weight = (alone.state_dict () |> Seq.find (fun entry -> entry.Value.shape.Length = 4)).Key

                  for entry in alone.state_dict () do
                      Expect.equal (Golden.toArray state["main." + entry.Key]) (Golden.toArray entry.Value) $"{name}: {entry.Key}"

                  Expect.notEqual
                      (Golden.toArray state["assistant." + weight])
                      (Golden.toArray state["main." + weight])
                      $"{name}: the assistant's {weight}"

          testCase "A head with its own layers is applied to the sum"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use pair = build "mobilenetv2-assisted"
              Initialisation.Initialise(pair, 1L, "student")
              pair.eval ()
              let images = Golden.images [| 2L; 3L; 32L; 32L |] 1.0
              let both = pair.Run images
              let state = pair.state_dict ()
              use main = build "mobilenetv2"

              for entry in main.state_dict () do
                  use _ = torch.no_grad ()
                  entry.Value.copy_ state["main." + entry.Key] |> ignore

              main.eval ()
              // The student alone has another embedding than the sum of both.
              Expect.notEqual (Golden.toArray (main.Run images).Embedding) (Golden.toArray both.Embedding) "embedding"
              let logits = torch.nn.functional.linear (both.Embedding, state["main.classifier.0.weight"], state["main.classifier.0.bias"])
              Golden.close 1e-4 (Golden.toArray logits) (Golden.toArray both.Logits) "the student's classifier answers"

          testCase "Only a loss that needs an assistant adds one to the student"
          <| fun () ->
              let network losses = LossCatalog.Network(ModelSpec "resnet8", losses).Name
              Expect.equal (network [| "ce"; "residual-kd" |]) "resnet8-assisted" "with"
              Expect.equal (network [| "ce"; "rkd" |]) "resnet8" "without"

          testCase "Weights of a student with an assistant are recognised"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use pair = build "resnet8-assisted"

              let tensors =
                  [| for entry in pair.state_dict () -> TensorEntry(entry.Key, float32, entry.Value.shape, entry.Value.stride (), 0L) |]

              let best = (ModelFit.Rank(WeightSet("", "", tensors)))[0]
              Expect.equal (best.IsExact, best.InWords) (true, "resnet8-assisted for 10 classes") "the model that fits" ]
