/// results.json, as DESIGN.md fixes it.
module ChannelDistillation.Dsl.Report.Json

open System
open System.Globalization
open System.Text.Json.Nodes
open ChannelDistillation.Dsl
open ChannelDistillation.Records

/// JSON's null is .NET's.
type Node = JsonNode | null

let text (value: string) : Node = JsonValue.Create value

let number (value: float) : Node = JsonValue.Create value

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

/// A value of an axis: a number where it is one.
let axisValue (value: string) : Node =
    match Double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture) with
    | true, parsed when Double.IsFinite parsed -> number parsed
    | _ -> text value

let axes (entries: (string * string) list) : Node = object [ for path, value in entries -> path, axisValue value ]

let published (row: PublishedRow option) : Node =
    row
    |> optional (fun row -> object [ "top1_error", optional number row.Top1Error; "top5_error", optional number row.Top5Error ])

let private statistic (statistic: Statistic) : Node =
    object
        [ "mean", optional number statistic.Mean
          "std", optional number statistic.Std
          "values", array (List.map number statistic.Values) ]

let private row (row: ResultRow) : Node =
    object
        [ "variant", text row.Variant
          "axes", axes row.Axes
          "seeds", integer row.Top1Error.Values.Length
          "top1_error", statistic row.Top1Error
          "top5_error", statistic row.Top5Error
          "best_top1_error", statistic row.BestTop1Error
          "published", published row.Published
          "status", text (string row.Status) ]

let render (results: Results) =
    let whole = object [ "experiment", text results.Layout.Experiment; "rows", array (List.map row results.Rows) ]
    whole.ToJsonString RecordJson.Pretty + "\n"
