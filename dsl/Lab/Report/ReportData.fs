/// The data of the charts of report.html, as JSON.
module ChannelDistillation.Lab.Report.ReportData

open System
open System.Buffers
open System.Collections.Generic
open System.Text
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables

/// With more epochs over all runs, only every second, third ... epoch is drawn, so that browsers can open the page.
let private mostEpochs = 50_000

/// With more runs, the page omits specifications and sessions; run.json has them.
let mostDetails = 1_000

/// The distance in epochs between drawn points.
let stride (runs: RunDetail list) = max 1 ((runs |> List.sumBy _.Epochs.Length) / mostEpochs)

/// Five significant digits, more than a screen shows.
let private digits (value: float) =
    if Double.IsFinite value then
        value.ToString("G5", Globalization.CultureInfo.InvariantCulture)
    else
        "null"

/// JSON texts that the page contains once, because most runs share them: epochs, loss weights, machine.
[<Sealed>]
type private Shared() =
    let places = Dictionary<string, int>()
    let texts = List<string>()

    member _.Place(text: string) =
        match places.TryGetValue text with
        | true, place -> place
        | _ ->
            places[text] <- texts.Count
            texts.Add text
            texts.Count - 1

    member this.List(values: string seq) = this.Place("[" + String.Join(',', values) + "]")
    member _.Texts = texts

let private number (json: Utf8JsonWriter) (name: string) (value: float) =
    json.WritePropertyName name
    json.WriteRawValue(digits value, true)

let private optionalText (json: Utf8JsonWriter) (name: string) (value: string option) =
    match value with
    | Some value -> json.WriteString(name, value)
    | None -> json.WriteNull name

let private within (json: Utf8JsonWriter) (name: string) (write: unit -> unit) =
    json.WriteStartObject name
    write ()
    json.WriteEndObject()

/// One list per name; null if an epoch has no value.
let private byName (json: Utf8JsonWriter) (shared: Shared) name (get: EpochRecord -> IReadOnlyDictionary<string, float>) (epochs: EpochRecord array) =
    let valueOf (name: string) epoch =
        match (get epoch).TryGetValue name with
        | true, value -> digits value
        | _ -> "null"

    within json name (fun () ->
        for name in epochs |> Seq.collect (fun epoch -> (get epoch).Keys) |> Seq.distinct |> Seq.toList do
            json.WriteNumber(name, shared.List(epochs |> Seq.map (valueOf name))))

let private quantities: (string * (EpochRecord -> string)) list =
    [ "epoch", (fun epoch -> string epoch.Epoch)
      "top1", (fun epoch -> digits epoch.Top1Error)
      "top5", (fun epoch -> digits epoch.Top5Error)
      "train1", (fun epoch -> digits epoch.TrainTop1Error)
      "loss", (fun epoch -> digits epoch.Loss)
      "rate", (fun epoch -> digits epoch.LearningRate)
      "speed", (fun epoch -> digits epoch.ImagesPerSecond) ]

/// Writes the indices of the lists among the shared texts.
let private epochs (json: Utf8JsonWriter) (shared: Shared) (stride: int) (all: EpochRecord list) =
    let last = all.Length - 1

    let shown =
        all |> Seq.indexed |> Seq.filter (fun (index, _) -> index % stride = 0 || index = last) |> Seq.map snd |> Seq.toArray

    within json "epochs" (fun () ->
        for name, get in quantities do
            json.WriteNumber(name, shared.List(Seq.map get shown))

        byName json shared "losses" _.Losses shown
        byName json shared "weights" _.LossWeights shown)

let private errors (json: Utf8JsonWriter) (name: string) (errors: EpochErrors option) =
    match errors with
    | None -> json.WriteNull name
    | Some errors ->
        within json name (fun () ->
            json.WriteNumber("epoch", errors.Epoch)
            number json "top1" errors.Top1Error
            number json "top5" errors.Top5Error)

/// The JSON text of a part of run.json.
let private copied (node: JsonNode | null) =
    match node with
    | null -> "null"
    | node -> node.ToJsonString()

let private details (json: Utf8JsonWriter) (shared: Shared) (run: JsonObject) =
    let copy (name: string) node =
        json.WritePropertyName name
        json.WriteRawValue(copied node, true)

    within json "details" (fun () ->
        copy "hash" run["hash"]
        json.WriteNumber("spec", shared.Place(copied run["spec"]))
        json.WriteStartArray "sessions"

        for session in Sessions.Counting run do
            json.WriteStartObject()
            copy "started" session["started"]
            json.WriteString("from", $"""from epoch {session["epoch"]}, step {session["step"]}""")
            json.WriteNumber("software", shared.Place(copied session["software"]))
            json.WriteNumber("hardware", shared.Place(copied session["hardware"]))
            json.WriteEndObject()

        json.WriteEndArray())

let private run (json: Utf8JsonWriter) (shared: Shared) (stride: int) (run: RunDetail) =
    let result = run.Record.Result
    let get choose = result |> Option.bind (fun (result: RunResult) -> Option.ofObj (choose result))
    json.WriteStartObject()
    json.WriteString("name", run.Name)
    json.WriteString("folder", run.Folder)
    json.WriteString("status", string run.Status)
    optionalText json "message" (get _.Message)
    errors json "last" (get _.Last)
    errors json "best" (get _.Best)

    match run.Run with
    | Some content -> details json shared content
    | None -> json.WriteNull "details"

    epochs json shared stride run.Epochs
    json.WriteEndObject()

/// The variant and its point of the grid.
let private nameOf (pointOf: ResultRow -> (string * string) list) (result: ResultRow) =
    match pointOf result with
    | [] -> result.Variant
    | point -> result.Variant + ", " + TableText.point point

let private row
    (json: Utf8JsonWriter)
    (nameOf: ResultRow -> string)
    (indexOf: IDictionary<string, int>)
    (index: int)
    (result: ResultRow, layout: LayoutRow)
    =
    json.WriteStartObject()
    json.WriteNumber("index", index)
    json.WriteString("name", nameOf result)
    json.WriteString("variant", result.Variant)

    within json "axes" (fun () ->
        for path, value in result.Axes do
            json.WriteString(path, value))

    within json "top1" (fun () ->
        for name, value in [ "mean", result.Top1Error.Mean; "std", result.Top1Error.Std ] do
            match value with
            | Some value -> number json name value
            | None -> json.WriteNull name

        json.WriteNumber("n", result.Top1Error.Values.Length))

    json.WriteStartArray "runs"

    for folder in layout.Folders do
        json.WriteNumberValue indexOf[folder]

    json.WriteEndArray()
    json.WriteEndObject()

/// A row's error and its speed in ONNX Runtime; nothing if one of them is unknown.
let private deployed (json: Utf8JsonWriter) (nameOf: ResultRow -> string) (deployment: Deployment) (result: ResultRow) =
    match Deployed.costOf deployment result, result.Top1Error.Mean with
    | Some cost, Some error ->
        json.WriteStartObject()
        json.WriteString("name", nameOf result)
        json.WriteBoolean("isTeacher", result.IsTeacher)
        number json "latency" cost.LatencyMs
        number json "throughput" cost.ImagesPerSecond
        number json "top1" error
        json.WriteEndObject()
    | _ -> ()

/// The trained rows, every run once, and the texts that they share.
let render (options: TableOptions) (results: Results) (runs: RunDetail list) : string =
    let indexOf = dict [ for index, run in List.indexed runs -> run.Folder, index ]
    // Teachers are the first rows.
    let trained = results.Rows |> List.skip results.Layout.Teachers.Length
    let rows = List.zip trained results.Layout.Rows |> List.filter (fun (row, _) -> row.IsTrained)
    let every = stride runs
    let nameOf = nameOf (Results.point results)
    let shared = Shared()
    let text = ArrayBufferWriter<byte>()
    // The default encoder writes < as \u003c, so that no text can end the surrounding script element.
    use json = new Utf8JsonWriter(text)
    json.WriteStartObject()
    json.WriteString("experiment", results.Layout.Experiment)
    json.WriteStartArray "rows"
    rows |> List.iteri (row json nameOf indexOf)
    json.WriteEndArray()
    json.WriteStartArray "runs"
    runs |> List.iter (run json shared every)
    json.WriteEndArray()
    json.WriteStartArray "deploy"
    options.Deployment |> Option.iter (fun deployment -> results.Rows |> List.iter (deployed json nameOf deployment))
    json.WriteEndArray()
    json.WriteStartArray "shared"

    for text in shared.Texts do
        json.WriteRawValue(text, true)

    json.WriteEndArray()
    json.WriteEndObject()
    json.Flush()
    Encoding.UTF8.GetString text.WrittenSpan
