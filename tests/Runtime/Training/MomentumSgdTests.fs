module ChannelDistillation.Tests.Runtime.Training.MomentumSgdTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Training

/// A convolution weight in channels-last layout, as in a network.
let private channelsLast (values: torch.Tensor) =
    new TorchSharp.Modules.Parameter(values.permute(0L, 2L, 3L, 1L).contiguous().permute(0L, 3L, 1L, 2L))

/// Three steps with gradients that are a formula of the step, by the optimizer and by the formula in double precision.
let private afterThreeSteps (spec: SgdSpec) =
    let start = torch.arange(24.0, dtype = torch.float32).reshape(2L, 3L, 2L, 2L).sin()
    let parameter = channelsLast start
    use optimizer = new MomentumSgd([ struct ("weight", parameter) ], spec)
    let mutable expected = start.``to`` torch.float64
    let mutable velocity = torch.zeros_like expected

    for step in 1..3 do
        let gradient = (start * float32 step).cos()
        (parameter * gradient).sum().backward()
        optimizer.Step 0.1
        let direction = gradient.``to`` torch.float64 + expected * spec.WeightDecay.ToScalar()
        velocity <- if step = 1 then direction else velocity * spec.Momentum.ToScalar() + direction

        let along =
            if spec.Nesterov then
                direction + velocity * spec.Momentum.ToScalar()
            else
                velocity

        expected <- expected - along * (0.1).ToScalar()

    (parameter.``to`` torch.float64 - expected).abs().max().item<float>()

[<Tests>]
let tests =
    testList
        "training: momentum SGD"
        [ for momentum, decay, nesterov in [ 0.0, 0.0, false; 0.9, 0.0, false; 0.9, 5e-4, false; 0.9, 5e-4, true ] do
              testCase $"Three steps equal the formula for momentum {momentum}, weight decay {decay}, Nesterov {nesterov}"
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  Expect.isLessThan (afterThreeSteps (SgdSpec(0.1, momentum, decay, nesterov))) 1e-6 "difference"

          testCase "A parameter without a gradient keeps its value, or decays with its momentum if every parameter is updated"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let parameter = channelsLast (torch.ones [| 1L; 1L; 1L; 1L |])
              use optimizer = new MomentumSgd([ struct ("weight", parameter) ], SgdSpec(0.1, 0.9, 0.5, false))
              optimizer.Step 0.1
              Expect.equal (parameter.item<float32>()) 1.0f "not moved"
              // v = 0.9 v + 0.5 w; w = w - 0.1 v: PyTorch's step for a loss multiplied by 0.
              optimizer.Step(0.1, movesAll = true)
              Expect.floatClose Accuracy.medium (float (parameter.item<float32>())) 0.95 "first step"
              optimizer.Step(0.1, movesAll = true)
              Expect.floatClose Accuracy.medium (float (parameter.item<float32>())) (0.95 - 0.1 * (0.9 * 0.5 + 0.5 * 0.95)) "second step"

          testCase "libtorch's fused step exists, and the optimizer uses it"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let one () = torch.ones [| 3L |]
              let parameter, gradient, momentum = one (), one (), one ()

              let isThere =
                  Dispatcher.FusedSgd(ReadOnlySpan [| parameter |], ReadOnlySpan [| gradient |], ReadOnlySpan [| momentum |], 0.0, 0.5, 0.1, false)

              Expect.isTrue isThere "fused"
              Expect.floatClose Accuracy.medium (parameter[0].item<float32>() |> float) (1.0 - 0.1 * 1.5) "parameter"
              Expect.floatClose Accuracy.medium (momentum[0].item<float32>() |> float) 1.5 "momentum" ]
