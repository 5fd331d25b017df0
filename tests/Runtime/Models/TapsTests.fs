module ChannelDistillation.Tests.Runtime.Models.TapsTests

open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Tests

let private image = ImageShape(3, 32, 32)

let private stages name = (ModelCatalog.Get name).Features(ModelSpec name, image).Count

/// A network in evaluation mode with formula weights, and two images.
let private network name =
    let model = (ModelCatalog.Get name).Build(ModelSpec name, image, 10)
    Golden.fill 5.0 (model.state_dict ())
    model.eval ()
    model, Golden.images [| 2L; 3L; 32L; 32L |] 1.0

let private refusal (read: unit -> torch.Tensor) =
    try
        read () |> ignore
        "nothing is thrown"
    with error ->
        $"{error.GetType().Name}: {error.Message}"

/// One of each family whose stages end with a ReLU.
let private activated = [ "resnet18"; "resnet50"; "resnet8"; "vgg8"; "vgg13"; "mobilenetv1"; "shufflenetv1" ]

let private families = activated @ [ "wrn16-2"; "mobilenetv2"; "shufflenetv2" ]

[<Tests>]
let tests =
    testList
        "models: taps"
        [ testCase "A union of taps requests what either requests"
          <| fun () ->
              let both = Taps.Stage 1 ||| Taps.PreActivations 1 ||| Taps.Embedding
              Expect.equal [ for stage in 0..3 -> both.HasStage stage ] [ false; true; false; false ] "stages"
              Expect.equal [ for stage in 0..3 -> both.HasPreActivation stage ] [ true; false; false; false ] "pre-activations"
              Expect.equal (both.HasLogits, both.HasEmbedding) (false, true) "head"
              Expect.equal (Taps.Stage 0 ||| Taps.Stage 1 ||| Taps.Stage 2) (Taps.Stages 3) "all stages"
              Expect.isTrue (Taps.Stages 0).IsNone "no stage"

          testCase "The depth is that of the deepest requested part"
          <| fun () ->
              for taps, depth in
                  [ Taps.Stages 0, 0
                    Taps.Stage 0, 1
                    Taps.Stage 2 ||| Taps.Stage 0, 3
                    Taps.PreActivations 2, 2
                    Taps.StageMeans 3, 3
                    Taps.Embedding, 4
                    Taps.LogitMap, 4
                    Taps.Logits, 4 ] do
                  Expect.equal (taps.Depth 4) depth $"{taps}"

          testCase "Reading an output that was not requested is an error"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model, images = network "resnet8"
              use model = model
              let output = model.Run(images, Taps.Stage 1)

              Expect.equal
                  [ refusal (fun () -> output.Logits)
                    refusal (fun () -> output.Embedding)
                    refusal (fun () -> output.LogitMap)
                    refusal (fun () -> output.Features[0])
                    refusal (fun () -> output.PreActivations[1])
                    refusal (fun () -> output.ChannelMeans[1]) ]
                  [ "InvalidOperationException: This forward pass did not compute the logits."
                    "InvalidOperationException: This forward pass did not compute the embedding."
                    "InvalidOperationException: This forward pass did not compute the logits of each position."
                    "InvalidOperationException: This forward pass did not compute the output of stage 1."
                    "InvalidOperationException: This forward pass did not compute the pre-activation of stage 2."
                    "InvalidOperationException: This forward pass did not compute the channel means of stage 2." ]
                  "messages"

          for name in families do
              testCase $"Each tap of {name} alone has the bits of a full pass, and nothing else is kept"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  use _ = torch.no_grad ()
                  let model, images = network name
                  use model = model
                  let count = stages name
                  let whole = model.Run(images, Taps.Everything ||| Taps.PreActivations count ||| Taps.LogitMap)

                  let parts =
                      [ "logits", 1, Taps.Logits, (fun (output: ModelOutput) -> output.Logits)
                        "embedding", 1, Taps.Embedding, (fun output -> output.Embedding)
                        "logit map", 1, Taps.LogitMap, (fun output -> output.LogitMap)
                        for stage in 0 .. count - 1 do
                            $"stage {stage}", 1, Taps.Stage stage, (fun output -> output.Features[stage])
                        // Includes those of earlier stages.
                        for stage in 0 .. count - 1 do
                            let taps = Taps.PreActivations(stage + 1)
                            $"pre-activation {stage}", stage + 1, taps, (fun output -> output.PreActivations[stage])
                        // Includes those of earlier stages; the stages' outputs are freed.
                        for stage in 0 .. count - 1 do
                            $"means {stage}", stage + 1, Taps.StageMeans(stage + 1), (fun output -> output.ChannelMeans[stage]) ]

                  for what, kept, taps, read in parts do
                      use scope = torch.NewDisposeScope()
                      let alone = read (model.Run(images, taps))
                      Expect.equal scope.DisposablesCount kept $"{what}: tensors alive"
                      Expect.equal (Golden.bits alone) (Golden.bits (read whole)) what

          for name in families do
              testCase $"The logits of {name} are the averages of the logits of all positions"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  use _ = torch.no_grad ()
                  let model, images = network name
                  use model = model
                  let output = model.Run(images, Taps.Logits ||| Taps.LogitMap)
                  Golden.closeWith 1.0 1e-5 (Golden.toArray output.Logits) (Golden.toArray (output.LogitMap.mean [| 2L; 3L |])) "logits"

          testCase "Channel means are the averages over a stage's output"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              use _ = torch.no_grad ()
              let model, images = network "resnet8"
              use model = model
              let output = model.Run(images, Taps.Everything)

              for stage in 0..2 do
                  Expect.equal (Golden.toArray output.ChannelMeans[stage]) (Golden.toArray (output.Features[stage].mean [| 2L; 3L |])) $"{stage}"

          for name in activated do
              testCase $"The stage outputs of {name} are the ReLU of the pre-activations, and gradients flow through both"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  let model, images = network name
                  use model = model
                  let count = stages name
                  let output = model.Run(images, Taps.Stages count ||| Taps.PreActivations count)

                  for stage in 0 .. count - 1 do
                      let before = output.PreActivations[stage]
                      Expect.isLessThan (before.min().item<float32>()) 0f "something is negative"
                      Expect.equal (Golden.bits (before.relu ())) (Golden.bits output.Features[stage]) $"stage {stage}"

                  (output.PreActivations[count - 1].sum() + output.Features[count - 1].sum()).backward()
                  let first = model.parameters () |> Seq.head
                  Expect.exists (Golden.gradient first) (fun slope -> slope <> 0.0) "gradient of the first convolution"

          testCase "The pre-activation of a stage without a final ReLU is the output itself"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model, images = network "mobilenetv2"
              use model = model
              let output = model.Run(images, Taps.Stages 4 ||| Taps.PreActivations 4)

              for stage in 0..3 do
                  Expect.isTrue (obj.ReferenceEquals(output.Features[stage], output.PreActivations[stage])) $"stage {stage}"

          for name in families do
              testCase $"Reading more taps of {name} in training changes neither its outputs nor its running statistics"
              <| fun () ->
                  use _ = torch.NewDisposeScope()

                  let after taps =
                      let model, images = network name
                      use model = model
                      model.train ()
                      let output = model.Run(images, Taps.Logits ||| taps)
                      output.Logits.square().sum().backward()
                      let first = model.parameters () |> Seq.head
                      let state = [ for entry in model.state_dict () -> entry.Key, Golden.bits entry.Value ]
                      Golden.bits output.Logits, Golden.bits (nonNull first.grad), state

                  let everything = Taps.Everything ||| Taps.PreActivations(stages name) ||| Taps.LogitMap
                  Expect.equal (after everything) (after (Taps.Stages 0)) "logits, gradient of the first convolution, state"

          testCase "A pass stops at the deepest requested stage"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model, images = network "resnet8"
              use model = model
              model.train ()
              model.Run(images, Taps.Stage 1) |> ignore
              let state = model.state_dict ()

              Expect.equal
                  [ for name in [ "bn1"; "layer1.0.bn2"; "layer2.0.bn2"; "layer3.0.bn1" ] -> state[$"{name}.num_batches_tracked"].item<int64>() ]
                  [ 1L; 1L; 1L; 0L ]
                  "batches seen" ]
