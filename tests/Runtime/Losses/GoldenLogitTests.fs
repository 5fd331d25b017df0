/// Losses on logits, standardised or not, with fixed or trained temperature, compared with PyTorch's values and gradients in double precision.
module ChannelDistillation.Tests.Runtime.Losses.GoldenLogitTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private property (name: string) (element: JsonElement) = element.GetProperty name

/// The loss's name here, and whether its temperature is trained.
let private loss (entry: JsonElement) =
    match Golden.text "method" entry with
    | "ctkd_kd" -> "kd", true
    | "ctkd_dkd" -> "dkd", true
    | name -> name, false

let private parameters (descriptor: LossDescriptor) isTrained (entry: JsonElement) =
    let given =
        [ for parameter in (property "params" entry).EnumerateObject() do
              match parameter.Value.ValueKind with
              | JsonValueKind.Number -> parameter.Name, box (parameter.Value.GetDouble())
              | JsonValueKind.String when parameter.Name = "variant" -> "form", box (Golden.text "variant" (property "params" entry))
              | JsonValueKind.True -> parameter.Name, box true
              | JsonValueKind.False -> parameter.Name, box false
              | kind -> failtest $"{parameter.Name} is {kind}"
          "train_temperature", box isTrained ]

    // Other entries of the file describe how its trained temperature was set.
    let own = set [ for parameter in descriptor.Parameters -> parameter.Name ]

    (descriptor.DefaultParameters, given |> List.filter (fun (name, _) -> own.Contains name))
    ||> List.fold (fun all (name, value) -> all.With(name, value))

/// The largest allowed difference, relative to the largest entry, or absolute.
let private near (relative: float) (absolute: float) (expected: float[]) (actual: float[]) what =
    let largest = expected |> Array.map abs |> Array.max
    let difference = Array.map2 (fun a b -> abs (a - b)) expected actual |> Array.max
    Expect.isLessThanOrEqual difference (max (relative * largest) absolute) what

let private verify (entry: JsonElement) =
    let name, isTrained = loss entry
    let descriptor = LossCatalog.Get name
    let input name = property "inputs" entry |> property name |> Golden.tensor
    let expected name = property "grads" entry |> property name |> property "data" |> Golden.doubles
    let student = (input "student_logits").requires_grad_ true
    let teacher = input "teacher_logits"

    let epoch =
        if isTrained then
            (property "params" entry |> property "epoch").GetInt32()
        else
            1

    let loss: Loss = Signals.buildBy name (parameters descriptor isTrained entry)
    let logits = Signals.ofLogits student (Some teacher) (Golden.longs (property "labels" entry))
    let batch = LossInput(logits.Student, logits.Teacher, logits.Labels, logits.Indices, epoch)

    let temperature =
        match loss.Auxiliary with
        | null -> None
        | layer ->
            let theta = Seq.exactlyOne (layer.parameters ())
            use _ = torch.no_grad ()
            theta.copy_ (input "student_temperature") |> ignore
            Some(theta :> torch.Tensor)

    Expect.equal temperature.IsSome isTrained "whether the temperature is trained"
    // For some methods the file's values are weighted.
    let weight =
        match (property "params" entry).TryGetProperty "weight" with
        | true, weight -> weight.GetDouble()
        | _ -> 1.0

    let value, gradients = Signals.valueAndGradients loss batch [| student; yield! Option.toArray temperature |]
    near 2e-5 1e-7 [| (property "value" entry).GetDouble() |] [| weight * value |] "value"
    near 1e-5 1e-6 (expected "student_logits") (gradients[0] |> Array.map ((*) weight)) "gradient of the logits"

    if isTrained then
        near 3e-4 1e-6 (expected "student_temperature") gradients[1] "gradient of the temperature's parameter"

[<Tests>]
let golden =
    testList
        "losses: golden logits"
        [ for entry in (Golden.json "logit_losses.json").EnumerateArray() do
              testCase (Golden.text "name" entry)
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  verify entry ]
