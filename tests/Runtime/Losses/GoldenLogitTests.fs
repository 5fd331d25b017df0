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
    | "wkd_l" -> "wkd", false
    | name when name.StartsWith "sdd_" -> "sd-" + name.Substring 4, false
    | name -> name, false

/// Parameters of the file that have other names or values here.
let private translated (name: string, value: JsonElement) =
    match name, value.ValueKind with
    | "scales", _ -> "scales", box (float (value.GetArrayLength()))
    | "complementary", _ -> "form", box (if value.GetString() = "class" then "paper" else "code")
    | "pooling", _ -> "direct_pooling", box (value.GetString() = "direct")
    | "drop_target", _ -> "keep_label", box (not (value.GetBoolean()))
    | "sharpen", _ -> "sharpness", box (value.GetDouble())
    | "variant", _ -> "form", box (nonNull (value.GetString()))
    | _, JsonValueKind.Number -> name, box (value.GetDouble())
    | _, JsonValueKind.True -> name, box true
    | _, JsonValueKind.False -> name, box false
    | _ -> name, box (value.GetRawText())

let private parameters (descriptor: LossDescriptor) isTrained (entry: JsonElement) =
    let given =
        [ for parameter in (property "params" entry).EnumerateObject() do
              translated (parameter.Name, parameter.Value)
          "train_temperature", box isTrained ]

    // Other entries of the file describe constants of the method, or how its trained temperature was set.
    let own = set [ for parameter in descriptor.Parameters -> parameter.Name ]

    (descriptor.DefaultParameters, given |> List.filter (fun (name, _) -> own.Contains name))
    ||> List.fold (fun all (name, value) -> all.With(name, value))

/// The largest allowed difference, relative to the largest entry, or absolute.
let private near (relative: float) (absolute: float) (expected: float[]) (actual: float[]) what =
    let largest = expected |> Array.map abs |> Array.max
    let difference = Array.map2 (fun a b -> abs (a - b)) expected actual |> Array.max
    Expect.isLessThanOrEqual difference (max (relative * largest) absolute) what

/// The teacher's similarities between classes, in the form that a case has.
let private similarities (entry: JsonElement) =
    let inputs = property "inputs" entry

    let given (name: string) =
        match inputs.TryGetProperty name with
        | true, value -> Some(Golden.tensor value)
        | _ -> None

    [ given "cost" |> Option.map (fun cost -> torch.tensor 1.0f - cost)
      given "teacher_class_samples" |> Option.map ClassSimilarities.Aligned
      given "teacher_classifier_weight" |> Option.map ClassSimilarities.Cosines ]
    |> List.tryPick id

/// The logits of each position, and the tensors they depend on.
let private logitMap (input: string -> torch.Tensor) whose =
    let leaves =
        [ for name in [ "features"; "classifier_weight"; "classifier_bias" ] -> $"{whose}_{name}", input $"{whose}_{name}" ]

    let part name = List.find (fst >> (=) $"{whose}_{name}") leaves |> snd

    let map () =
        let weight = (part "classifier_weight").unsqueeze(2).unsqueeze 3
        torch.nn.functional.conv2d (part "features", weight, part "classifier_bias")

    map, leaves

let private verify (entry: JsonElement) =
    let name, isTrained = loss entry
    let descriptor = LossCatalog.Get name
    let input name = property "inputs" entry |> property name |> Golden.tensor
    let expected name = property "grads" entry |> property name |> property "data" |> Golden.doubles
    let labels = Golden.longs (property "labels" entry)
    let parameters = parameters descriptor isTrained entry

    let leaves, batch =
        if descriptor.Needs = TeacherSignal.LogitMap then
            let student, leaves = logitMap input "student"
            leaves |> List.iter (fun (_, leaf) -> leaf.requires_grad_ true |> ignore)
            let teacher, _ = logitMap input "teacher"
            leaves, Signals.ofLogitMaps (student ()) (teacher ()) labels
        else
            let student = (input "student_logits").requires_grad_ true
            [ "student_logits", student ], Signals.ofLogits student (Some(input "teacher_logits")) labels

    let epoch =
        if isTrained then
            (property "params" entry |> property "epoch").GetInt32()
        else
            1

    let loss: Loss = Signals.buildWith (if name = "wkd" then similarities entry else None) name parameters

    let batch = LossInput(batch.Student, batch.Teacher, batch.Labels, batch.Indices, epoch)

    let temperature =
        if isTrained then
            let theta = Seq.exactlyOne ((Signals.auxiliary loss).parameters())
            use _ = torch.no_grad ()
            theta.copy_ (input "student_temperature") |> ignore
            [ "student_temperature", theta :> torch.Tensor ]
        else
            []

    // For some methods the file's values are weighted.
    let weight =
        match (property "params" entry).TryGetProperty "weight" with
        | true, weight -> weight.GetDouble()
        | _ -> 1.0

    let value, gradients = Signals.valueAndGradients loss batch [| for _, leaf in leaves @ temperature -> leaf |]
    near 2e-5 1e-7 [| (property "value" entry).GetDouble() |] [| weight * value |] "value"

    for (name, _), gradient in Seq.zip leaves gradients do
        near 1e-5 1e-6 (expected name) (gradient |> Array.map ((*) weight)) $"gradient of {name}"

    for (name, _), gradient in Seq.zip temperature (Seq.skip leaves.Length gradients) do
        near 3e-4 1e-6 (expected name) gradient "gradient of the temperature's parameter"

[<Tests>]
let golden =
    testList
        "losses: golden logits"
        [ for entry in (Golden.json "logit_losses.json").EnumerateArray() do
              testCase (Golden.text "name" entry)
              <| fun () ->
                  use _ = torch.NewDisposeScope()
                  verify entry ]
