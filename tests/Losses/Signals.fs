/// What losses read, made from plain tensors.
module ChannelDistillation.Tests.Losses.Signals

open System
open ChannelDistillation.Losses
open ChannelDistillation.Models
open ChannelDistillation.Specs
open ChannelDistillation.Tests.Golden
open TorchSharp

let none = Array.empty<Tensor>

/// Teacher and student from their logits alone.
let ofLogits (student: Tensor) (teacher: Tensor option) (labels: int64[]) =
    let labels = torch.tensor labels
    // The embedding is read by no loss here.
    let output logits = ModelOutput(logits, none, logits)
    let signals = teacher |> Option.map (fun logits -> TeacherSignals(output logits, labels)) |> Option.toObj
    LossInput(output student, signals, labels, ReadOnlyMemory.Empty, 1)

/// Teacher and student from their stage features alone.
let ofFeatures (student: Tensor[]) (teacher: Tensor[]) =
    let labels = torch.zeros (student[0].shape[0], torch.ScalarType.Int64)
    let output (features: Tensor[]) = ModelOutput(features[0], features, features[0])
    LossInput(output student, TeacherSignals(output teacher, labels), labels, ReadOnlyMemory.Empty, 1)

let shapes (features: Tensor[]) =
    [| for feature in features -> FeatureShape(int feature.shape[1], int feature.shape[2], int feature.shape[3]) |]

/// A loss with default parameters but for the given ones.
let build name (parameters: (string * float) list) (student: FeatureShape[]) (teacher: FeatureShape[]) =
    let descriptor = LossCatalog.Get name

    let values =
        (descriptor.DefaultParameters, parameters) ||> List.fold (fun all (name, value) -> all.With(name, value :> obj))

    descriptor.Create.Invoke(LossContext(values, FeaturePair(student, teacher), 10, 100))

/// Value, and gradient with respect to each given leaf.
let valueAndGradients (loss: Loss) (input: LossInput) (leaves: Tensor[]) =
    use value = loss.Compute input
    value.backward ()

    (toArray value)[0], Array.map gradient leaves

let auxiliary (loss: Loss) =
    match loss.Auxiliary with
    | null -> failwith "this loss has no layers of its own"
    | layers -> layers
