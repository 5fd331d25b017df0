/// What the charts of report.html draw, as JSON.
module ChannelDistillation.Dsl.Report.Html.ReportData

open System
open System.Collections.Generic
open System.Text.Json.Nodes
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Records

/// Beyond so many epochs of all runs together, only every second, third ... one is drawn: a page must stay one that a browser opens.
let private mostEpochs = 60_000

/// Beyond so many runs, their specifications and sessions are left to run.json.
let private mostDetails = 1_000

/// Every how many epochs a point is drawn.
let stride (runs: RunDetail list) = max 1 ((runs |> List.sumBy _.Epochs.Length) / mostEpochs)

/// Six digits are more than any screen shows.
let private number (value: float) : Json.Node =
    if Double.IsFinite value then
        Json.number (Double.Parse(value.ToString("G6", Globalization.CultureInfo.InvariantCulture), Globalization.CultureInfo.InvariantCulture))
    else
        null

let private numbers choose (epochs: EpochRecord list) = Json.array (epochs |> List.map (choose >> number))

/// A list for each name; null where an epoch has none.
let private byName (get: EpochRecord -> IReadOnlyDictionary<string, float>) (epochs: EpochRecord list) : Json.Node =
    let names = epochs |> Seq.collect (fun epoch -> (get epoch).Keys) |> Seq.distinct |> Seq.toList

    let valueOf (name: string) epoch =
        match (get epoch).TryGetValue name with
        | true, value -> number value
        | _ -> null

    Json.object [ for name in names -> name, Json.array (epochs |> List.map (valueOf name)) ]

let private epochs (stride: int) (all: EpochRecord list) : Json.Node =
    let last = all.Length - 1
    let shown = all |> List.indexed |> List.filter (fun (index, _) -> index % stride = 0 || index = last) |> List.map snd

    Json.object
        [ "epoch", Json.array (shown |> List.map (_.Epoch >> int64 >> Json.integer))
          "top1", numbers _.Top1Error shown
          "top5", numbers _.Top5Error shown
          "train1", numbers _.TrainTop1Error shown
          "loss", numbers _.Loss shown
          "losses", byName _.Losses shown
          "weights", byName _.LossWeights shown
          "rate", numbers _.LearningRate shown
          "speed", numbers _.ImagesPerSecond shown ]

let private errors (errors: EpochErrors option) : Json.Node =
    errors
    |> Json.optional (fun errors ->
        Json.object [ "epoch", Json.integer errors.Epoch; "top1", number errors.Top1Error; "top5", number errors.Top5Error ])

let private copy (node: JsonNode | null) : Json.Node =
    match node with
    | null -> null
    | node -> node.DeepClone()

let private session (session: JsonObject) : Json.Node =
    let place = $"""from epoch {session["epoch"]}, step {session["step"]}"""

    Json.object
        [ "started", copy session["started"]
          "from", Json.text place
          "software", copy session["software"]
          "hardware", copy session["hardware"] ]

let private details (run: JsonObject) : Json.Node =
    Json.object
        [ "hash", copy run["hash"]
          "spec", copy run["spec"]
          "sessions", Json.array (Sessions.Counting run |> Seq.map session) ]

let private run (stride: int) (withDetails: bool) (run: RunDetail) : Json.Node =
    let result = run.Record.Result
    let get choose = result |> Option.bind (fun (result: RunResult) -> Option.ofObj (choose result))

    Json.object
        [ "name", Json.text run.Name
          "folder", Json.text run.Folder
          "status", Json.text (string run.Status)
          "message", Json.optional Json.text (get _.Message)
          "last", errors (get _.Last)
          "best", errors (get _.Best)
          "details", Json.optional details (if withDetails then run.Run else None)
          "epochs", epochs stride run.Epochs ]

let private row (indexOf: IDictionary<string, int>) (index: int) (result: ResultRow, layout: LayoutRow) : Json.Node =
    let point = if result.Axes.IsEmpty then "" else ", " + Shown.point result.Axes

    Json.object
        [ "index", Json.integer index
          "name", Json.text (result.Variant + point)
          "variant", Json.text result.Variant
          "axes", Json.object [ for path, value in result.Axes -> path, Json.text value ]
          "top1",
          Json.object
              [ "mean", Json.optional number result.Top1Error.Mean
                "std", Json.optional number result.Top1Error.Std
                "n", Json.integer result.Top1Error.Values.Length ]
          "runs", Json.array [ for folder in layout.Folders -> Json.integer indexOf[folder] ] ]

/// The trained rows, and every run once.
let render (results: Results) (runs: RunDetail list) : string =
    let indexOf = dict [ for index, run in List.indexed runs -> run.Folder, index ]
    // Teachers come first.
    let trained = results.Rows |> List.skip results.Layout.Teachers.Length
    let rows = List.zip trained results.Layout.Rows |> List.filter (fun (row, _) -> row.IsTrained)
    let every = stride runs

    let whole =
        Json.object
            [ "experiment", Json.text results.Layout.Experiment
              "rows", Json.array (List.mapi (row indexOf) rows)
              "runs", Json.array (runs |> List.map (run every (runs.Length <= mostDetails))) ]

    // The default encoder writes < as \u003c: nothing in it can end the script that it stands in.
    whole.ToJsonString()
