module ChannelDistillation.Tests.Runtime.Models.WeightInitTests

open System
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Tests

let private build name = (ModelCatalog.Get name).Build(ModelSpec name, ImageShape(3, 32, 32), 10)

let private initialised name seed scope =
    let model = build name
    Initialisation.Initialise(model, seed, scope)
    model

let private values (model: Network) = [ for entry in model.state_dict () -> entry.Key, Golden.toArray entry.Value ]

let private weights (model: torch.nn.Module) name = Golden.toArray (model.state_dict()[name])

let private spread (values: float[]) =
    let mean = Array.average values
    mean, sqrt (values |> Array.averageBy (fun x -> (x - mean) ** 2.0))

[<Tests>]
let tests =
    testList
        "initialisation"
        [ testCase "Initial weights do not depend on earlier construction or random draws"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let first = values (initialised "resnet8" 3L "student")
              torch.rand 17L |> ignore
              initialised "resnet14" 3L "student" |> ignore
              Expect.equal (values (initialised "resnet8" 3L "student")) first "state"

          testCase "Initial weights of a layer with the same name are the same in every network"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let name = "layer2.0.conv1.weight"

              Expect.equal (weights (initialised "resnet20" 3L "student") name) (weights (initialised "resnet8" 3L "student") name) name

          testCase "Initial weights differ by seed, by scope and by layer"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = initialised "resnet20" 3L "student"
              let name = "layer1.0.conv1.weight"
              Expect.notEqual (weights (initialised "resnet20" 4L "student") name) (weights model name) "seed"
              Expect.notEqual (weights (initialised "resnet20" 3L "teacher") name) (weights model name) "scope"
              Expect.notEqual (weights model "layer1.0.conv2.weight") (weights model name) "layer"

          testCase "Initialisation overwrites earlier values"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = build "resnet8"
              let parameters = dict [ for struct (name, parameter) in model.named_parameters () -> name, parameter :> torch.Tensor ]
              Golden.fill 1.0 (Collections.Generic.Dictionary parameters)
              Initialisation.Initialise(model, 3L, "student")
              Expect.equal (values model) (values (initialised "resnet8" 3L "student")) "state"

          testCase "Convolutions are normal with variance 2 / (output channels x kernel area)"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = initialised "resnet18" 0L "student"

              for name, fanOut in [ "conv1.weight", 64 * 9; "layer3.1.conv2.weight", 256 * 9; "layer4.0.downsample.0.weight", 512 ] do
                  let values = weights model name
                  let mean, deviation = spread values
                  let expected = sqrt (2.0 / float fanOut)
                  let error = 4.0 / sqrt (float values.Length)
                  Expect.isLessThan (abs mean / expected) error $"mean of {name}"
                  Expect.isLessThan (abs (deviation / expected - 1.0)) error $"deviation of {name}"
                  // A normal distribution has 4.55 % beyond two deviations, a uniform one none.
                  let beyond = values |> Array.averageBy (fun x -> if abs x > 2.0 * expected then 1.0 else 0.0)
                  Expect.isLessThan (abs (beyond - 0.0455)) error $"tails of {name}"

          testCase "The connectors of cd are uniform within 1 / sqrt(inputs), as in the published code"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let connectors = new ChannelConnectors([| struct (64, 256) |])
              Initialisation.Initialise(connectors, 0L, "losses.cd")
              let values = weights connectors "connectors.0.0.weight"
              let bound = 1.0 / sqrt 64.0
              Expect.isLessThanOrEqual (Array.max (Array.map abs values)) (bound + 1e-7) "bound"
              Expect.isGreaterThan (Array.max values) (0.99 * bound) "reaches the bound"
              Expect.isLessThan (abs (snd (spread values) / (bound / sqrt 3.0) - 1.0)) 0.03 "deviation"

          testCase "The classifier and its bias are uniform within 1 / sqrt(inputs)"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = initialised "resnet18" 0L "student"
              let bound = 1.0 / sqrt 512.0
              let weight, bias = weights model "fc.weight", weights model "fc.bias"
              Expect.isLessThanOrEqual (Array.max (Array.map abs (Array.append weight bias))) (bound + 1e-7) "bound"
              Expect.isGreaterThan (Array.max weight) (0.99 * bound) "reaches the bound"
              Expect.isLessThan (abs (snd (spread weight) / (bound / sqrt 3.0) - 1.0)) 0.03 "deviation"
              Expect.isGreaterThan (snd (spread bias)) 0.0 "bias is not constant"

          testCase "Grouped convolutions use the output channels of all groups, and ShuffleNets PyTorch's rule"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let depthwise = weights (initialised "mobilenetv2" 0L "student") "blocks.6.0.conv.3.weight"
              let expected = sqrt (2.0 / (480.0 * 9.0))
              Expect.isLessThan (abs (snd (spread depthwise) / expected - 1.0)) (4.0 / sqrt (float depthwise.Length)) "480 channels, 3x3"

              let model = initialised "shufflenetv1" 0L "student"

              for name, fanIn in [ "layer3.1.conv2.weight", 9; "layer3.1.conv3.weight", 240 / 3 ] do
                  let values = weights model name
                  let bound = 1.0 / sqrt (float fanIn)
                  Expect.isLessThanOrEqual (Array.max (Array.map abs values)) (bound + 1e-7) $"bound of {name}"
                  Expect.isGreaterThan (Array.max values) (0.99 * bound) $"{name} reaches the bound"
                  Expect.isLessThan (abs (snd (spread values) / (bound / sqrt 3.0) - 1.0)) 0.05 $"deviation of {name}"

          testCase "Classifiers have each family's initial weights of the benchmark"
          <| fun () ->
              use _ = torch.NewDisposeScope()

              for model, name, deviation in
                  [ "wrn16-2", "fc", 1.0 / sqrt (3.0 * 128.0); "vgg8", "classifier", 0.01; "mobilenetv2", "classifier.0", 0.01 ] do
                  let model = initialised model 0L "student"
                  Expect.isLessThan (abs (snd (spread (weights model $"{name}.weight")) / deviation - 1.0)) 0.1 name
                  Expect.all (weights model $"{name}.bias") (fun x -> x = 0.0) $"bias of {name}"

              Expect.all (weights (initialised "vgg8" 0L "student") "block1.0.bias") (fun x -> x = 0.0) "bias of a convolution"

          testCase "Batch normalisation is initialised as the identity"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = initialised "resnet18" 0L "student"

              for name, value in
                  [ "bn1.weight", 1.0
                    "bn1.bias", 0.0
                    "bn1.running_mean", 0.0
                    "bn1.running_var", 1.0
                    "bn1.num_batches_tracked", 0.0 ] do
                  Expect.all (weights model name) (fun x -> x = value) name

          testCase "Initial weights never change, because stored results depend on them"
          <| fun () ->
              use _ = torch.NewDisposeScope()
              let model = initialised "resnet8" 0L "student"
              let first name = Array.take 3 (weights model name)
              Golden.close 1e-4 [| 0.12990098; 0.1850995; 0.044122566 |] (first "conv1.weight") "first convolution"
              Golden.close 1e-4 [| -0.01695545; -0.08097267; 0.050522402 |] (first "fc.bias") "classifier's bias" ]
