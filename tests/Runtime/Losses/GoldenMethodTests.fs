/// Losses with trainable layers, from the networks' features to the gradients of those layers, compared with PyTorch.
module ChannelDistillation.Tests.Runtime.Losses.GoldenMethodTests

open System.Text.Json
open Expecto
open TorchSharp
open ChannelDistillation.Models.Layers
open ChannelDistillation.Losses
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Losses

let private offset (entry: JsonElement) = entry.GetProperty("offset").GetDouble()

let private inputs (entry: JsonElement) (property: string) from =
    [| for i, shape in Seq.indexed (entry.GetProperty(property).EnumerateArray()) ->
           Golden.images (Golden.longs shape) (offset entry + from + float i) |]

let private parameters (entry: JsonElement) =
    [ for parameter in entry.GetProperty("params").EnumerateObject() -> parameter.Name, parameter.Value.GetDouble() ]

let private pair (student: Golden.Tensor[]) (teacher: Golden.Tensor[]) (embeddings: Golden.Tensor[]) =
    let student, teacher = Signals.shapes student, Signals.shapes teacher

    match embeddings with
    | [| mine; theirs |] -> FeaturePair(student, teacher, StudentEmbedding = int mine.shape[1], TeacherEmbedding = int theirs.shape[1])
    | _ -> FeaturePair(student, teacher)

/// Sets all state of the loss, except what its first step initialises.
let private fill (loss: Loss) from =
    let state = (Signals.auxiliary loss).StateInPyTorchOrder()
    Golden.fill from state

    for entry in state do
        if entry.Key.EndsWith "partition" then
            entry.Value.zero_ () |> ignore

/// Two consecutive steps with the images of the file. Returns the sum of their losses; gradients accumulate.
let private contrast (loss: ContrastiveLoss) (student: Golden.Tensor) (teacher: Golden.Tensor) (entry: JsonElement) =
    let steps =
        [| for step in entry.GetProperty("images").EnumerateArray() -> [| for row in step.EnumerateArray() -> Golden.longs row |] |]

    steps
    |> Array.mapi (fun i rows ->
        let batch = int64 rows.Length
        let part (all: Golden.Tensor) = all.narrow (0, int64 i * batch, batch)
        let images = torch.tensor(Array.concat rows).reshape(batch, -1L)
        let value = loss.Contrast(part student, part teacher, images)
        value.backward ()
        loss.StepEnded()
        value.detach ())
    |> Array.reduce (+)

let private check (entry: JsonElement) () =
    use _ = torch.NewDisposeScope()
    let student = inputs entry "student" 0.0 |> Array.map _.requires_grad_(true)
    let teacher = inputs entry "teacher" 10.0

    let embeddings =
        [| for i, shape in Seq.indexed (entry.GetProperty("embeddings").EnumerateArray()) ->
               Golden.images (Golden.longs shape) (offset entry + 20.0 + 10.0 * float i) |]

    if embeddings.Length > 0 then
        embeddings[0].requires_grad_ true |> ignore

    let count =
        match entry.TryGetProperty "count" with
        | true, count -> count.GetInt32()
        | _ -> 100

    let method = Golden.text "method" entry
    // An assistant's stages come after the student's.
    let student, assistant =
        if method = "residual-kd" then
            Array.splitAt (student.Length / 2) student
        else
            student, [||]

    let leaves = Array.concat [ student; assistant; Array.truncate 1 embeddings ]
    let loss = Signals.buildFor method (parameters entry) (pair student teacher embeddings) count
    fill loss (offset entry + 100.0)

    let value =
        match loss with
        | :? ContrastiveLoss as contrastive -> contrast contrastive embeddings[0] embeddings[1] entry
        | _ ->
            let value = loss.Compute(Signals.ofAll student assistant teacher embeddings)
            value.backward ()
            value

    Golden.close 1e-5 [| entry.GetProperty("value").GetDouble() |] (Golden.toArray value) "value"

    for expected, leaf in Seq.zip (Golden.items "grads" entry) leaves do
        match Golden.doubles expected with
        | [||] -> Expect.isNull leaf.grad "a feature that the method does not look at"
        | expected -> Golden.close 1e-4 expected (Golden.gradient leaf) "gradient of a feature"

    let trained = dict [ for struct (name, parameter) in (Signals.auxiliary loss).named_parameters() -> name, parameter ]

    let expected =
        [ for parameter in entry.GetProperty("parameters").EnumerateObject() -> parameter.Name, Golden.doubles parameter.Value ]

    Expect.containsAll (List.map fst expected) trained.Keys "the layers' parameters"

    for name, expected in expected do
        let actual = Golden.gradient trained[name]

        // A bias before a BatchNorm has no effect: its gradient is rounding noise.
        if expected |> Array.forall (fun value -> abs value < 1e-7) then
            Expect.all actual (fun value -> abs value < 1e-7) $"gradient of {name}"
        else
            Golden.close 1e-4 expected actual $"gradient of {name}"

[<Tests>]
let golden =
    testList
        "losses: golden methods"
        [ for entry in (Golden.json "methods.json").EnumerateArray() -> testCase (Golden.text "name" entry) (check entry) ]
