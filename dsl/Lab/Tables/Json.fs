/// results.json, as described in docs/results.md.
module ChannelDistillation.Lab.Tables.Json

open System
open System.Globalization
open System.Text.Json.Nodes
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Export

/// A JSON node; null is JSON's null.
type Node = JsonNode | null

let text (value: string) : Node = JsonValue.Create value

/// Infinity and NaN become null, because JSON cannot represent them.
let number (value: float) : Node = if Double.IsFinite value then JsonValue.Create value else null

let integer (value: int64) : Node = JsonValue.Create value

let flag (value: bool) : Node = JsonValue.Create value

let optional (make: 'value -> Node) (value: 'value option) : Node =
    match value with
    | Some value -> make value
    | None -> null

let array (values: Node seq) : Node = JsonArray(Seq.toArray values)

let object (entries: (string * Node) list) =
    let made = JsonObject()

    for name, value in entries do
        made[name] <- value

    made

/// Parses a finite number.
let tryNumber (value: string) : float option =
    match Double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture) with
    | true, parsed when Double.IsFinite parsed -> Some parsed
    | _ -> None

/// The value of an axis, as a number if it is one.
let axisValue (value: string) : Node = tryNumber value |> Option.map number |> Option.defaultWith (fun () -> text value)

let axes (entries: (string * string) list) : Node = object [ for path, value in entries -> path, axisValue value ]

let published (row: PublishedRow option) : Node =
    row
    |> optional (fun row ->
        object
            [ "top1_error", optional number row.Top1Error
              "top5_error", optional number row.Top5Error
              "source", optional text row.Source
              "protocol", optional text row.Protocol ])

let private statistic (statistic: Statistic) : Node =
    object
        [ "mean", optional number statistic.Mean
          "std", optional number statistic.Std
          "values", array (List.map number statistic.Values) ]

let cost (cost: Cost option) : Node =
    cost
    |> optional (fun cost -> object [ "parameters", integer cost.Parameters; "macs", optional integer cost.MultiplyAdds ])

let private difference (baseline: Baseline) (difference: Difference option) (holm: float option) : Node =
    difference
    |> optional (fun difference ->
        object
            [ "baseline", text (string baseline)
              "top1", statistic difference.Values
              "test", text "paired t-test, two-sided"
              "p", optional number difference.PValue
              "interval", difference.Interval |> optional (fun (low, high) -> array [ number low; number high ])
              "welch_p", optional number difference.WelchPValue
              "holm_p", optional number holm ])

let private deployed (cost: DeployCost) : Node =
    object
        [ "onnx_bytes", integer cost.OnnxBytes
          "latency_ms", number cost.LatencyMs
          "images_per_second", number cost.ImagesPerSecond ]

let private deployment (deployment: Deployment) : Node =
    object
        [ "onnx_runtime", text deployment.OnnxRuntime
          "threads", integer (int64 deployment.Threads)
          "processor", text deployment.Processor ]

let private row (options: TableOptions) (results: Results) (row: ResultRow, holm: float option) : Node =
    let shown errors = statistic (TableText.values options errors)
    let measure = TableText.measure options

    object
        [ "variant", text row.Variant
          "axes", axes row.Axes
          "seeds", integer row.Top1Error.Values.Length
          $"top1_{measure}", shown row.Top1Error
          $"top5_{measure}", shown row.Top5Error
          $"best_top1_{measure}", shown row.BestTop1Error
          "published", published row.Published
          "status", text (string row.Status)
          "cost", cost row.Cost
          for deployment in Option.toList options.Deployment do
              "deploy", Deployed.costOf deployment row |> optional deployed
          "seconds", statistic row.Seconds
          "unfinished", object [ for status, gaps in row.Gaps -> string status, array [ for gap in gaps -> text gap.Folder ] ]
          for baseline in Option.toList options.Baseline do
              "difference", difference baseline (Sheets.differenceTo options baseline results row) holm ]

let private provenance (results: Results) : Node =
    let time (time: DateTime) = text (time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
    let provenance = results.Provenance

    object
        [ "command", optional text results.Layout.Command
          "started", optional (fst >> time) provenance.Period
          "ended", optional (snd >> time) provenance.Period
          "trained_with",
          array
              [ for kind, runs in provenance.Trained ->
                    object
                        [ "channel_distillation", text kind.Version
                          "libraries", text kind.Libraries
                          "machine", text kind.Machine
                          "runs", integer runs ] ] ]

let private whole (options: TableOptions) (results: Results) : Node =
    let holm =
        match options.Baseline with
        | Some baseline -> Sheets.holmTo options baseline results results.Rows
        | None -> results.Rows |> List.map (fun _ -> None)

    object
        [ "experiment", text results.Layout.Experiment
          "rows", array (List.zip results.Rows holm |> List.map (row options results))
          for measured in Option.toList options.Deployment do
              "deploy", deployment measured
          "provenance", provenance results ]

let private printed (node: Node) =
    match node with
    | null -> "null\n"
    | node -> node.ToJsonString RecordJson.Pretty + "\n"

let render (options: TableOptions) (results: Results) = printed (whole options results)

/// Two results side by side: both in full, and the comparison as shown.
let compare (options: TableOptions) (nameA: string, a: Results) (nameB: string, b: Results) =
    let sheet = ComparisonSheet.ofResults options (nameA, a) (nameB, b)

    let rows =
        [ for cells in sheet.Rows -> (object [ for column, cell in List.zip sheet.Columns cells -> column.Heading, text cell.Text ]: Node) ]

    printed (object [ nameA, whole options a; nameB, whole options b; "comparison", array rows ])
