module ChannelDistillation.Tests.Runtime.Models.Layers.MergeTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Models.Layers
open ChannelDistillation.Tests

let private images = [| 4L; 3L; 5L; 5L |]

/// Runs both twice on the same images, and compares their state and outputs.
let private sameAsTorchSharp training =
    use _ = torch.NewDisposeScope()
    use ours = new BatchNorm(3)
    use theirs = torch.nn.BatchNorm2d 3L
    Golden.fill 0.3 (ours.StateInPyTorchOrder())
    theirs.load_state_dict (ours.StateInPyTorchOrder()) |> ignore
    ours.train training
    theirs.train training

    for offset in [ 1.0; 2.0 ] do
        let ourInput = (Golden.images images offset).requires_grad_ true
        let theirInput = (Golden.images images offset).requires_grad_ true
        let ourOutput, theirOutput = ours.forward ourInput, theirs.forward theirInput
        ourOutput.square().sum().backward()
        theirOutput.square().sum().backward()
        Golden.close 1e-6 (Golden.toArray theirOutput) (Golden.toArray ourOutput) "output"
        Golden.close 1e-5 (Golden.gradient theirInput) (Golden.gradient ourInput) "gradient"

    let expected = theirs.state_dict ()

    for entry in ours.state_dict () do
        Golden.close 1e-6 (Golden.toArray expected[entry.Key]) (Golden.toArray entry.Value) entry.Key

[<Tests>]
let tests =
    testList
        "layers"
        [ testCase "Our batch normalisation equals PyTorch's in training" <| fun () -> sameAsTorchSharp true
          testCase "Our batch normalisation equals PyTorch's in evaluation" <| fun () -> sameAsTorchSharp false

          testCase "Batch normalisation continues the step count that was loaded"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use layer = new BatchNorm(3)
              let steps () = layer.get_buffer("num_batches_tracked").item<int64>()
              let step () = layer.forward (Golden.images images 1.0) |> ignore
              step ()
              Expect.equal (steps ()) 1L "one step"
              step ()
              use stored = torch.tensor 40L
              let state = layer.state_dict ()
              state["num_batches_tracked"] <- stored
              layer.load_state_dict state |> ignore
              step ()
              Expect.equal (steps ()) 41L "a step after loading 40"

          testCase "Batch normalisation of a single value per channel uses the running statistics without changing them"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use layer = new BatchNorm(3)
              Golden.fill 0.3 (layer.StateInPyTorchOrder())
              let state () = [ for entry in layer.state_dict () -> entry.Key, Golden.toArray entry.Value ]
              let before = state ()
              let single = Golden.images [| 1L; 3L; 1L; 1L |] 1.0
              layer.train true
              let trained = Golden.toArray (layer.forward single)
              Expect.equal (state ()) before "state"
              layer.eval ()
              Expect.equal trained (Golden.toArray (layer.forward single)) "output"

          testCase "A chain applies its layers in order and does not change its input"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use chain = new Chain([ new BatchNorm(3); new BatchNorm(3) ])
              let input = Golden.images images 1.0
              let before = Golden.toArray input
              let output = chain.forward input
              Expect.equal (Golden.toArray input) before "input"
              Expect.equal (List.ofArray output.shape) (List.ofArray images) "shape"
              Expect.equal [ for struct (name, _) in chain.named_children () -> name ] [ "0"; "1" ] "names"

          testCase "A network outlives the dispose scope in which it was created"
          <| fun () ->
              let build () =
                  use _ = torch.NewDisposeScope()
                  let model = (ModelCatalog.Get "resnet8").Build(ModelSpec "resnet8", ImageShape(1, 28, 28), 10)
                  Initialisation.Initialise(model, 0L, "student")
                  model

              use model = build ()
              GC.Collect()
              GC.WaitForPendingFinalizers()
              use _ = torch.NewDisposeScope()
              let logits = model.forward (Golden.images [| 2L; 1L; 28L; 28L |] 1.0)
              Expect.equal (List.ofArray logits.shape) [ 2L; 10L ] "logits of grey images"

          testCase "A pass for the logits keeps no other tensors alive"
          <| fun () ->
              use model = (ModelCatalog.Get "resnet8").Build(ModelSpec "resnet8", ImageShape(1, 28, 28), 10)
              model.eval ()
              use _ = torch.no_grad ()
              use scope = torch.NewDisposeScope()
              let input = Golden.images [| 2L; 1L; 28L; 28L |] 1.0
              model.forward input |> ignore
              Expect.equal scope.DisposablesCount 2 "the images and the logits" ]
