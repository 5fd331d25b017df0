module ChannelDistillation.Tests.Runtime.Models.FoldingTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Tests

let private image = ImageShape(3, 32, 32)
let private images () = Golden.images [| 2L; 3L; 32L; 32L |] 1.0

let private network name =
    let model = (ModelCatalog.Get name).Build(ModelSpec name, image, 10)
    Golden.fill 5.0 (model.state_dict ())
    model.eval ()
    model

/// All outputs of a network for the images.
let private answers stages (model: Network) =
    use _ = torch.no_grad ()
    let output = model.Run(images (), Taps.Everything ||| Taps.PreActivations stages)
    [ output.Logits; output.Embedding; yield! output.Features; yield! output.PreActivations ]

/// The largest difference, relative to the largest value.
let private difference (a: torch.Tensor) (b: torch.Tensor) = (a - b).abs().max().item<float32>() / b.abs().max().item<float32>()

[<Tests>]
let tests =
    testList
        "models: folding"
        [ // The deepest repeat the layers of others.
          for descriptor in ModelCatalog.All |> Seq.filter (fun model -> not (List.contains model.Name [ "resnet101"; "resnet152"; "resnet110" ])) do
              testCase $"The outputs of {descriptor.Name} are unchanged by folding BatchNorm into its convolutions"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  use model = network descriptor.Name
                  let answers () = answers descriptor.Stages.Count model
                  let before = answers ()
                  Expect.isGreaterThan (Folding.Fold(model, (images ()))) 0 "folded"

                  for a, b in List.zip (answers ()) before do
                      Expect.isLessThan (difference a b) 1e-5f "relative difference"

          testCase "Every BatchNorm of a network that normalises after convolving is folded"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use model = network "resnet18"
              Expect.equal (Folding.Fold(model, (images ()))) 20 "folded" ]
