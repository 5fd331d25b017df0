/// Inputs of losses, made from plain tensors.
module ChannelDistillation.Tests.Runtime.Losses.Signals

open System
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Tests.Golden

let none = Array.empty<Tensor>

let private means (features: Tensor[]) = [| for feature in features -> feature.mean [| 2L; 3L |] |]

/// Teacher and student with logits only.
let ofLogits (student: Tensor) (teacher: Tensor option) (labels: int64[]) =
    let labels = torch.tensor labels
    // No loss here reads the embedding.
    let output logits = ModelOutput(logits, none, logits)
    let signals = teacher |> Option.map (fun logits -> TeacherSignals(output logits, labels)) |> Option.toObj
    LossInput(output student, signals, labels, ReadOnlyMemory.Empty, 1)

/// Teacher and student with the logits of each position only.
let ofLogitMaps (student: Tensor) (teacher: Tensor) (labels: int64[]) =
    let labels = torch.tensor labels
    let output map = ModelOutput(null, none, null, logitMap = map)
    LossInput(output student, TeacherSignals(output teacher, labels), labels, ReadOnlyMemory.Empty, 1)

/// Teacher and student with stage features only.
let ofFeatures (student: Tensor[]) (teacher: Tensor[]) =
    let labels = torch.zeros (student[0].shape[0], torch.ScalarType.Int64)
    let output (features: Tensor[]) = ModelOutput(features[0], features, features[0], channelMeans = means features)
    LossInput(output student, TeacherSignals(output teacher, labels), labels, ReadOnlyMemory.Empty, 1)

/// Teacher and student with embeddings only.
let ofEmbeddings (student: Tensor) (teacher: Tensor) =
    let labels = torch.zeros (student.shape[0], torch.ScalarType.Int64)
    let output (embedding: Tensor) = ModelOutput(embedding, none, embedding)
    LossInput(output student, TeacherSignals(output teacher, labels), labels, ReadOnlyMemory.Empty, 1)

/// Teacher and student (with an assistant if there are features for it) with stage features, which are also the pre-activations, and
/// embeddings (student's, teacher's) if there are any.
let ofAll (student: Tensor[]) (assistant: Tensor[]) (teacher: Tensor[]) (embeddings: Tensor[]) =
    let some = Array.head (Array.append embeddings student)
    let labels = torch.zeros (some.shape[0], torch.ScalarType.Int64)

    let output (features: Tensor[]) (i: int) =
        let embedding = if embeddings.Length = 0 then some else embeddings[i]
        ModelOutput(embedding, features, embedding, features, means features)

    let learner =
        match assistant with
        | [||] -> output student 0
        | _ -> ModelOutput(some, student, some, Parts = struct (output student 0, output assistant 0))

    LossInput(learner, TeacherSignals(output teacher 1, labels), labels, ReadOnlyMemory.Empty, 1)

/// One image, the first of the set, with all outputs that a network can have.
let ofOne (student: Tensor[]) (teacher: Tensor[]) (embeddings: Tensor[]) =
    let logits shape = (torch.rand (Array.append [| 1L; 4L |] shape)).requires_grad_ true
    let labels = torch.zeros (1L, torch.ScalarType.Int64)

    let output (features: Tensor[]) (i: int) = ModelOutput(logits [||], features, embeddings[i], features, means features, logits [| 3L; 3L |])

    let parts = struct (output student 0, output student 0)

    let learner = ModelOutput(logits [||], student, embeddings[0], student, logitMap = logits [| 2L; 2L |], Parts = parts)

    LossInput(learner, TeacherSignals(output teacher 1, labels), labels, ReadOnlyMemory [| 0 |], 1)

let shapes (features: Tensor[]) =
    [| for feature in features -> FeatureShape(int feature.shape[1], int feature.shape[2], int feature.shape[3]) |]

/// A loss's default parameters, except for the given ones.
let parameters name (given: (string * float) list) =
    ((LossCatalog.Get name).DefaultParameters, given) ||> List.fold (fun all (name, value) -> all.With(name, value :> obj))

/// A loss on logits only, whose teacher has these similarities between classes (if it reads them).
let buildWith (similarities: Tensor option) name (parameters: Parameters) =
    let context = LossContext(parameters, FeaturePair([||], [||]), 4, [| 0 |], 1L, Epochs = 240)

    (LossCatalog.Get name)
        .Create.Invoke(
            match similarities with
            | Some known ->
                LossContext(
                    parameters,
                    context.Features,
                    4,
                    context.TrainingLabels,
                    1L,
                    Epochs = context.Epochs,
                    ClassSimilarities = (fun _ -> known)
                )
            | None -> context
        )

/// A loss on logits only.
let buildBy name (parameters: Parameters) = buildWith None name parameters

/// A loss for given features, for a set of this many images of four classes in rotation.
let buildFor name given (features: FeaturePair) images =
    (LossCatalog.Get name).Create.Invoke(LossContext(parameters name given, features, 4, [| for image in 0 .. images - 1 -> image % 4 |], 1L))

/// A loss with default parameters, except for the given ones.
let build name given (student: FeatureShape[]) (teacher: FeatureShape[]) = buildFor name given (FeaturePair(student, teacher)) 100

/// The value, and its gradient with respect to each given leaf.
let valueAndGradients (loss: Loss) (input: LossInput) (leaves: Tensor[]) =
    use value = loss.Compute input
    value.backward ()

    // An unused leaf has no gradient in TorchSharp; it counts as 0.
    let gradient (leaf: Tensor) =
        if isNull leaf.grad then
            Array.zeroCreate (int (leaf.numel ()))
        else
            gradient leaf

    (toArray value)[0], Array.map gradient leaves

/// Double precision, like the formulas in plain arithmetic, so that rounding of float32 does not matter.
let inDouble (values: float[]) (shape: int64[]) : Tensor = torch.tensor (values, ReadOnlySpan<int64> shape)

let private within relative floor (expected: float) (actual: float) = abs (expected - actual) <= relative * abs expected + floor

/// Whether a loss equals a formula to 1e-5, and its gradient to 1e-4 relative. The gradient is compared with the formula's difference quotient along one
/// direction in which all values change.
let isFormula (formula: float[] -> float) (student: float[]) (value: float, gradient: float[]) =
    let step = 1e-6
    let direction = noise (int64 student.Length) 3.0
    let along distance = formula (Array.map2 (fun value way -> value + distance * way) student direction)
    let slope = (along step - along -step) / (2.0 * step)
    within 1e-5 1e-9 (formula student) value && within 1e-4 1e-6 slope (Array.sum (Array.map2 (*) gradient direction))

let auxiliary (loss: Loss) =
    match loss.Auxiliary with
    | null -> failwith "this loss has no layers of its own"
    | layers -> layers
