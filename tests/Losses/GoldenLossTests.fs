module ChannelDistillation.Tests.Losses.GoldenLossTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Losses

let private entries =
    [ for entry in (Golden.json "losses.json").EnumerateArray() -> Golden.text "name" entry, Golden.text "method" entry, entry ]

let private leaf (element: JsonElement) = (Golden.tensor element).requires_grad_ true

let private check (entry: JsonElement) (value: float) (gradients: (JsonElement * float[]) seq) =
    Golden.close 1e-5 [| entry.GetProperty("value").GetDouble() |] [| value |] "value"

    for expected, actual in gradients do
        Golden.close 1e-4 (Golden.doubles (expected.GetProperty "data")) actual "gradient"

/// The losses that read logits.
let private logitLoss (name: string, method: string, entry: JsonElement) =
    testCase name
    <| fun () ->
        use _ = torch.NewDisposeScope()
        let inputs = entry.GetProperty "inputs"
        let student = leaf (inputs.GetProperty "student_logits")

        let teacher =
            match inputs.TryGetProperty "teacher_logits" with
            | true, logits -> Some(Golden.tensor logits)
            | _ -> None

        let parameters =
            [ for parameter in entry.GetProperty("params").EnumerateObject() -> parameter.Name, parameter.Value.GetDouble() ]

        let value, gradients =
            Signals.valueAndGradients
                (Signals.build method parameters [||] [||])
                (Signals.ofLogits student teacher (Golden.longs (entry.GetProperty "labels")))
                [| student |]

        check entry value [ entry.GetProperty("grads").GetProperty "student_logits", gradients[0] ]

/// Channel distillation's formula with nothing between student and teacher.
let private channelMeans (entry: JsonElement) =
    testCase "cd, the formula without connectors"
    <| fun () ->
        use _ = torch.NewDisposeScope()
        let inputs = entry.GetProperty "inputs"
        let students = [| for feature in Golden.items "student_features" inputs -> leaf feature |]
        let teachers = [| for feature in Golden.items "teacher_features" inputs -> Golden.tensor feature |]

        let total =
            Array.map2
                (fun (student: Golden.Tensor) (teacher: Golden.Tensor) ->
                    ChannelDistillationLoss.StageLoss(student.mean [| 2L; 3L |], teacher.mean [| 2L; 3L |]))
                students
                teachers
            |> Array.reduce (+)

        total.backward ()

        let value = (Golden.toArray total)[0]

        Seq.zip (Golden.items "student_features" (entry.GetProperty "grads")) (Array.map Golden.gradient students)
        |> check entry value

[<Tests>]
let golden =
    testList
        "losses: golden"
        [ for name, method, entry in entries do
              match method with
              | "ce"
              | "kd"
              | "gkd" -> logitLoss (name, method, entry)
              | "cd" -> channelMeans entry
              | _ -> () ]
