/// plan.json: what an experiment consists of. Written by `sweep`, printed by `plan --json`, read by `table RUNS-FOLDER`.
module ChannelDistillation.Dsl.Report.PlanFile

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open ChannelDistillation.Dsl
open ChannelDistillation.Records
open ChannelDistillation.Specs

/// A run as plan.json lists it.
type ListedRun =
    {
        Run: PlannedRun
        Folder: string
        /// Which cohort it is trained in, from 1.
        Cohort: int
        State: string
    }

let private axes (entries: (string * string) list) : Json.Node = Json.object [ for path, value in entries -> path, Json.text value ]

let private errors (errors: EpochErrors) : Json.Node =
    Json.object
        [ "epoch", Json.integer errors.Epoch
          "top1_error", Json.number errors.Top1Error
          "top5_error", Json.number errors.Top5Error ]

let private teacher (row: TeacherRow) : Json.Node =
    Json.object
        [ "model", Json.text row.Model
          "axes", axes row.Axes
          "key", Json.text row.Key
          "cost", Json.cost row.Cost
          "errors", Json.optional errors row.Errors
          "published", Json.published row.Published ]

let private row (row: LayoutRow) : Json.Node =
    Json.object
        [ "variant", Json.text row.Variant
          "axes", axes row.Axes
          "runs", Json.array (List.map Json.text row.Folders)
          "seeds", Json.array (List.map Json.integer row.Seeds)
          "cost", Json.cost row.Cost
          "published", Json.published row.Published
          if row.Assisted then
              "assisted", Json.flag true ]

let private run (listed: ListedRun) : Json.Node =
    Json.object
        [ "name", Json.text listed.Run.Name
          "folder", Json.text listed.Folder
          "variant", Json.text listed.Run.Variant
          "axes", Json.axes listed.Run.Axes
          "seed", Json.integer listed.Run.Seed
          "hash", Json.text (SpecJson.Hash listed.Run.Spec)
          "cohort", Json.integer listed.Cohort
          "state", Json.text listed.State
          "spec", SpecJson.ToJson listed.Run.Spec ]

/// 0 views: images as they are.
let private cache (cache: TeacherCache) : Json.Node = Json.integer (int64 (defaultArg cache.Views 0))

let private precision (precision: Precision) : Json.Node = Json.text (SpecJson.NameOf precision)

let render (layout: Layout) (runs: ListedRun list) =
    let whole =
        Json.object
            [ "experiment", Json.text layout.Experiment
              "description", Json.text layout.Description
              "dataset", Json.text layout.Dataset
              "student", Json.text layout.Student
              "epochs", Json.array (layout.Epochs |> List.map (int64 >> Json.integer))
              "seeds", Json.array (layout.Seeds |> List.map Json.integer)
              "held_out", Json.array (layout.HeldOut |> List.map (Json.optional Json.number))
              "caches", Json.array (layout.Caches |> List.map (Json.optional cache))
              "precisions", Json.array (layout.Precisions |> List.map precision)
              "command", Json.optional Json.text layout.Command
              "teachers", Json.array (List.map teacher layout.Teachers)
              "rows", Json.array (List.map row layout.Rows)
              "runs", Json.array (List.map run runs) ]

    whole.ToJsonString RecordJson.Pretty + "\n"

// ---- Reading it back -------------------------------------------------------------------------------------------------

let private tryGet (node: JsonElement) (name: string) =
    match node.TryGetProperty name with
    | true, value when value.ValueKind <> JsonValueKind.Null -> Some value
    | _ -> None

let private text (node: JsonElement) (name: string) = node.GetProperty(name).GetString() |> Option.ofObj |> Option.defaultValue ""
let private items (node: JsonElement) (name: string) = [ for item in node.GetProperty(name).EnumerateArray() -> item ]
let private number node name = tryGet node name |> Option.map _.GetDouble()
let private tryText node name = tryGet node name |> Option.map (fun value -> string (value.GetString()))
let private readAxes (node: JsonElement) = [ for entry in node.GetProperty("axes").EnumerateObject() -> entry.Name, string (entry.Value.GetString()) ]

let private readPublished node : PublishedRow option =
    tryGet node "published"
    |> Option.map (fun row ->
        { Top1Error = number row "top1_error"
          Top5Error = number row "top5_error"
          Source = tryText row "source"
          Protocol = tryText row "protocol" })

let private readCost node : Cost option =
    tryGet node "cost"
    |> Option.map (fun cost -> { Parameters = cost.GetProperty("parameters").GetInt64(); MultiplyAdds = cost.GetProperty("macs").GetInt64() })

let private readErrors (node: JsonElement) =
    EpochErrors(node.GetProperty("epoch").GetInt32(), node.GetProperty("top1_error").GetDouble(), node.GetProperty("top5_error").GetDouble())

/// A plan of an older version has none.
let private readCaches (node: JsonElement) : TeacherCache option list =
    match tryGet node "caches" with
    | None -> []
    | Some caches ->
        [ for views in caches.EnumerateArray() ->
              if views.ValueKind = JsonValueKind.Null then
                  None
              else
                  Some { Views = Some(views.GetInt32()) |> Option.filter (fun count -> count > 0) } ]

/// As above.
let private readPrecisions (node: JsonElement) =
    match tryGet node "precisions" with
    | None -> [ Precision.Float32 ]
    | Some precisions -> [ for name in precisions.EnumerateArray() -> SpecJson.PrecisionNamed(name.GetString()) ]

let private readLayout (node: JsonElement) =
    { Experiment = text node "experiment"
      Description = text node "description"
      Dataset = text node "dataset"
      Student = text node "student"
      Epochs = items node "epochs" |> List.map _.GetInt32()
      Seeds = items node "seeds" |> List.map _.GetInt64()
      HeldOut = [ for share in items node "held_out" -> if share.ValueKind = JsonValueKind.Null then None else Some(share.GetDouble()) ]
      Caches = readCaches node
      Precisions = readPrecisions node
      Command = tryText node "command"
      Teachers =
        [ for teacher in items node "teachers" ->
              { Model = text teacher "model"
                Axes = readAxes teacher
                Key = text teacher "key"
                Cost = readCost teacher
                Errors = tryGet teacher "errors" |> Option.map readErrors
                Published = readPublished teacher } ]
      Hashes = Map [ for run in items node "runs" -> text run "folder", text run "hash" ]
      Rows =
        [ for row in items node "rows" ->
              { Variant = text row "variant"
                Axes = readAxes row
                Folders = items row "runs" |> List.map (fun run -> string (run.GetString()))
                // Earlier versions wrote none.
                Seeds =
                  if (tryGet row "seeds").IsSome then
                      items row "seeds" |> List.map _.GetInt64()
                  else
                      []
                Cost = readCost row
                Published = readPublished row
                Assisted = (tryGet row "assisted").IsSome } ] }

/// None where there is no plan.json, or one that this version cannot read.
let read (folder: string) : Layout option =
    let file = Path.Combine(folder, "plan.json")

    if not (File.Exists file) then
        None
    else
        try
            use document = JsonDocument.Parse(File.ReadAllText file)
            Some(readLayout document.RootElement)
        with
        | :? JsonException
        | :? KeyNotFoundException
        | :? InvalidOperationException -> None
