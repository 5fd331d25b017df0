/// The losses' formulas compared with PyTorch's values and gradients.
module ChannelDistillation.Tests.Runtime.Losses.GoldenLossTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private entries = [ for entry in (Golden.json "losses.json").EnumerateArray() -> Golden.text "method" entry, entry ]

let private leaf (element: JsonElement) = (Golden.tensor element).requires_grad_ true

let private check (entry: JsonElement) (value: float) (gradients: (JsonElement * float[]) seq) =
    Golden.close 1e-5 [| entry.GetProperty("value").GetDouble() |] [| value |] "value"

    for expected, actual in gradients do
        Golden.close 1e-4 (Golden.doubles (expected.GetProperty "data")) actual "gradient"

let private input name (entry: JsonElement) = entry.GetProperty("inputs").GetProperty(name: string)

let private tryInput name (entry: JsonElement) =
    match entry.GetProperty("inputs").TryGetProperty(name: string) with
    | true, value -> Some value
    | _ -> None

let private gradients (entry: JsonElement) (name: string) = entry.GetProperty("grads").GetProperty name

let private parameters (entry: JsonElement) =
    [ for parameter in entry.GetProperty("params").EnumerateObject() do
          if parameter.Value.ValueKind = JsonValueKind.Number then
              parameter.Name, parameter.Value.GetDouble() ]

let private onLogits method (entry: JsonElement) =
    let student = leaf (input "student_logits" entry)
    let teacher = tryInput "teacher_logits" entry |> Option.map Golden.tensor
    let labels = Golden.longs (entry.GetProperty "labels")
    let loss = Signals.build method (parameters entry) [||] [||]
    let value, actual = Signals.valueAndGradients loss (Signals.ofLogits student teacher labels) [| student |]
    check entry value [ gradients entry "student_logits", actual[0] ]

let private maps name (entry: JsonElement) = [| for item in (input name entry).EnumerateArray() -> item |]

let private onFeatures method (entry: JsonElement) =
    let student = maps "student_features" entry |> Array.map leaf
    let teacher = maps "teacher_features" entry |> Array.map Golden.tensor

    let loss: Loss =
        match method with
        | "sp" -> SimilarityPreservingLoss [| for stage in 0 .. student.Length - 1 -> struct (stage, stage) |]
        | _ -> Signals.build method (parameters entry) (Signals.shapes student) (Signals.shapes teacher)

    let value, actual = Signals.valueAndGradients loss (Signals.ofFeatures student teacher) student
    check entry value (Seq.zip ((gradients entry "student_features").EnumerateArray()) actual)

let private onEmbeddings method (entry: JsonElement) =
    let student = leaf (input "student_pooled" entry)
    let teacher = Golden.tensor (input "teacher_pooled" entry)
    let loss = Signals.build method (parameters entry) [||] [||]
    let value, actual = Signals.valueAndGradients loss (Signals.ofEmbeddings student teacher) [| student |]
    check entry value [ gradients entry "student_pooled", actual[0] ]

/// Formulas without the layers between student and teacher, which the golden file omits.
let private formula (leaves: (Golden.Tensor * JsonElement) list) (value: Golden.Tensor) (entry: JsonElement) =
    value.backward ()
    check entry (Array.head (Golden.toArray value)) [ for leaf, expected in leaves -> expected, Golden.gradient leaf ]

let private channelMeans (entry: JsonElement) =
    let students = maps "student_features" entry |> Array.map leaf
    let teachers = maps "teacher_features" entry |> Array.map Golden.tensor
    let mean (feature: Golden.Tensor) = feature.mean [| 2L; 3L |]

    let total =
        Array.map2 (fun student teacher -> ChannelDistillationLoss.StageLoss(mean student, mean teacher)) students teachers
        |> Array.reduce (+)

    formula (List.ofSeq (Seq.zip students ((gradients entry "student_features").EnumerateArray()))) total entry

let private hint (entry: JsonElement) =
    let student = leaf (Array.head (maps "student_features" entry))
    let teacher = Golden.tensor (Array.head (maps "teacher_features" entry))
    formula [ student, (gradients entry "student_features")[0] ] (FitNetsLoss.Hint(student, teacher)) entry

let private information (entry: JsonElement) =
    let mean = leaf (input "student_mean" entry)
    let scale = leaf (input "student_log_scale" entry)

    formula
        [ mean, gradients entry "student_mean"; scale, gradients entry "student_log_scale" ]
        (VariationalInformationLoss.NegativeLogLikelihood(mean, Golden.tensor (input "teacher_features" entry), scale))
        entry

let private congruence (entry: JsonElement) =
    let student = leaf (input "student_pooled" entry)
    let teacher = Golden.tensor (input "teacher_pooled" entry)
    formula [ student, gradients entry "student_pooled" ] (CorrelationCongruenceLoss.Congruence(student, teacher)) entry

let private verify method =
    match method with
    | "cd" -> channelMeans
    | "fitnet" -> hint
    | "vid" -> information
    | "cc" -> congruence
    | "ce"
    | "kd"
    | "gkd"
    | "dkd"
    | "dist" -> onLogits method
    | "at"
    | "sp"
    | "nst" -> onFeatures method
    | "rkd"
    | "pkt" -> onEmbeddings method
    | other -> failtest $"no test knows the method {other} of losses.json"

[<Tests>]
let golden =
    testList
        "losses: golden"
        [ for method, entry in entries do
              testCase (Golden.text "name" entry)
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  verify method entry ]
