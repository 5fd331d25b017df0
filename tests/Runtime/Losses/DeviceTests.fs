/// Losses of tensors on the device `meta`, which have shapes but no data: reading a value there, or mixing it with CPU tensors,
/// throws, as on a GPU. The loss with an assistant begins with a convolution, which `meta` does not support here.
module ChannelDistillation.Tests.Runtime.Losses.DeviceTests

open System
open System.Runtime.InteropServices
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Training

/// libtorch does not implement every operator on this device; the loss must work as far as it does.
let private asFarAsItGets (act: unit -> unit) =
    try
        act ()
    with :? ExternalException as error when
        error.Message.Contains "no fake impl or Meta kernel"
        || error.Message.Contains "convolution_overrideable not implemented" ->
        ()

let private batch = 4L

/// A trainable scalar for each entry.
let private learned (shape: int64 list) = torch.randn (Array.ofList (batch :: shape), device = torch.META, requires_grad = true)

/// The features of a ResNet-8 and a ResNet-14.
let private output () =
    let features = [| learned [ 16L; 32L; 32L ]; learned [ 32L; 16L; 16L ]; learned [ 64L; 8L; 8L ] |]
    let means = [| for feature in features -> feature.mean [| 2L; 3L |] |]
    ModelOutput(learned [ 10L ], features, learned [ 64L ], features, means, learned [ 10L; 8L; 8L ])

let private features = FeaturePair.Of(ModelSpec "resnet8", ModelSpec "resnet14", ImageShape(1, 32, 32))

let private context (spec: LossSpec) = LossContext(spec.Parameters, features, 10, Array.init 40 (fun image -> image % 10), 7L, Epochs = 2)

[<Tests>]
let tests =
    testList
        "losses on a device"
        [ for descriptor in LossCatalog.All |> Seq.filter (fun descriptor -> not descriptor.AddsAssistant) do
              test $"The loss `{descriptor.Name}` and its gradients read no value on the host and use no tensor of another device" {
                  use _ = torch.NewDisposeScope()
                  let spec = LossSpec(Name = descriptor.Name, Weight = 0.5, Parameters = descriptor.DefaultParameters)
                  use terms = new LossTerms([| spec |], context, 7L, torch.META)
                  terms.StartEpoch 1
                  let labels = torch.zeros (batch, torch.ScalarType.Int64, device = torch.META)
                  let teacher = TeacherSignals(output (), labels)

                  asFarAsItGets (fun () ->
                      for epoch in 1..2 do
                          let input = LossInput(output (), teacher, labels, ReadOnlyMemory [| 0..3 |], epoch)
                          let values = terms.Compute input
                          Expect.equal values[0].device_type DeviceType.META "where it is"
                          values[0].backward()
                          terms.StepEnded())
              }

          test "Mixing devices is detected" {
              use _ = torch.NewDisposeScope()
              let elsewhere = torch.randn (batch, 10L)
              Expect.throwsT<ExternalException> (fun () -> torch.nn.functional.mse_loss (learned [ 10L ], elsewhere) |> ignore) "mixed"
          } ]
