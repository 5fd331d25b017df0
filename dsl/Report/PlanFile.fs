/// plan.json: what an experiment consists of. Written by `sweep`, printed by `plan --json`, read by `table RUNS-FOLDER`.
module ChannelDistillation.Dsl.Report.PlanFile

open System
open System.Buffers
open System.IO
open System.Text
open System.Text.Json
open ChannelDistillation.Dsl
open ChannelDistillation.Native
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

let private writeRun (json: Utf8JsonWriter) (listed: ListedRun) =
    json.WriteStartObject()
    json.WriteString("name", listed.Run.Name)
    json.WriteString("folder", listed.Folder)
    json.WriteString("variant", listed.Run.Variant)
    json.WriteStartObject "axes"

    for path, value in listed.Run.Axes do
        match Json.tryNumber value with
        | Some number -> json.WriteNumber(path, number)
        | None -> json.WriteString(path, value)

    json.WriteEndObject()
    json.WriteNumber("seed", listed.Run.Seed)
    json.WriteString("hash", SpecJson.Hash listed.Run.Spec)
    json.WriteNumber("cohort", listed.Cohort)
    json.WriteString("state", listed.State)
    json.WritePropertyName "spec"
    SpecJson.Write(json, listed.Run.Spec)
    json.WriteEndObject()

/// 0 views: images as they are.
let private cache (cache: TeacherCache) : Json.Node = Json.integer (int64 (defaultArg cache.Views 0))

let private precision (precision: Precision) : Json.Node = Json.text (SpecJson.NameOf precision)

let private head (layout: Layout) : (string * Json.Node) list =
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
      "teachers", Json.array (List.map teacher layout.Teachers) ]

/// Bytes that are handed on at a time, about.
let private portion = 1 <<< 16

/// Hands the text on in portions, in UTF-8, each of whole characters: all of it at once would be 200 MB for a hundred thousand runs.
let write (handOn: ReadOnlyMemory<byte> -> unit) (layout: Layout) (runs: ListedRun seq) =
    let text = ArrayBufferWriter<byte>(2 * portion)

    let flush (json: Utf8JsonWriter) =
        json.Flush()
        handOn text.WrittenMemory
        text.ResetWrittenCount()

    use json = new Utf8JsonWriter(text, JsonWriterOptions(Indented = true, Encoder = RecordJson.Pretty.Encoder))

    let list (name: string) write items =
        json.WriteStartArray name

        for item in items do
            write item

            if int64 text.WrittenCount + int64 json.BytesPending > int64 portion then
                flush json

        json.WriteEndArray()

    json.WriteStartObject()

    for name, value in head layout do
        json.WritePropertyName name

        match value with
        | null -> json.WriteNullValue()
        | value -> value.WriteTo json

    list "rows" (fun (each: LayoutRow) -> (nonNull (row each)).WriteTo json) layout.Rows
    list "runs" (writeRun json) runs
    json.WriteEndObject()
    flush json
    handOn (ReadOnlyMemory "\n"B)

/// The whole text.
let render (layout: Layout) (runs: ListedRun list) =
    let text = ArrayBufferWriter<byte>()
    write (fun part -> text.Write part.Span) layout runs
    Encoding.UTF8.GetString text.WrittenSpan

// ---- Reading it back -------------------------------------------------------------------------------------------------

/// An entry that is not there or not of its type; the file may come from anybody.
exception private Wrong of reason: string

let private shown (node: JsonElement) =
    let text = node.GetRawText()
    if text.Length > 40 then text.Substring(0, 37) + "..." else text

let private wrong (name: string) (what: string) (node: JsonElement) : 'a = raise (Wrong $"`{name}` has {shown node} where {what} belongs")

/// An entry of an object; None: it is null or not there.
let private tryGet (node: JsonElement) (name: string) =
    if node.ValueKind <> JsonValueKind.Object then
        wrong name "an object" node

    match node.TryGetProperty name with
    | true, value when value.ValueKind <> JsonValueKind.Null -> Some value
    | _ -> None

let private get (node: JsonElement) (name: string) =
    match tryGet node name with
    | Some value -> value
    | None -> raise (Wrong $"`{name}` is not there")

let private asText name (value: JsonElement) =
    if value.ValueKind = JsonValueKind.String then
        string (value.GetString())
    else
        wrong name "a text" value

let private asNumber name (value: JsonElement) =
    match value.ValueKind with
    | JsonValueKind.Number when Double.IsFinite(value.GetDouble()) -> value.GetDouble()
    | _ -> wrong name "a number" value

let private asWhole name (value: JsonElement) =
    let mutable whole = 0L

    if value.ValueKind = JsonValueKind.Number && value.TryGetInt64 &whole then
        whole
    else
        wrong name "a whole number" value

let private asCount name (value: JsonElement) =
    match asWhole name value with
    | count when count >= 0L && count <= int64 Int32.MaxValue -> int count
    | _ -> wrong name "a whole number from 0" value

let private items (node: JsonElement) (name: string) =
    let list = get node name

    if list.ValueKind = JsonValueKind.Array then
        [ for item in list.EnumerateArray() -> item ]
    else
        wrong name "a list" list

let private all read (node: JsonElement) (name: string) = items node name |> List.map (read name)
let private text node name = tryGet node name |> Option.map (asText name) |> Option.defaultValue ""
let private number node name = tryGet node name |> Option.map (asNumber name)
let private tryText node name = tryGet node name |> Option.map (asText name)

let private readAxes (node: JsonElement) =
    let axes = get node "axes"

    if axes.ValueKind <> JsonValueKind.Object then
        wrong "axes" "an object" axes

    [ for entry in axes.EnumerateObject() -> entry.Name, asText entry.Name entry.Value ]

/// A name within the experiment's folder: what lies elsewhere is not read.
let private asFolder name (value: JsonElement) =
    let folder = asText name value

    if folder = "" || folder = "." || folder = ".." || Path.GetFileName folder <> folder || folder.Contains '\000' then
        wrong name "the name of a folder" value

    folder

let private readPublished node : PublishedRow option =
    tryGet node "published"
    |> Option.map (fun row ->
        { Top1Error = number row "top1_error"
          Top5Error = number row "top5_error"
          Source = tryText row "source"
          Protocol = tryText row "protocol" })

let private readCost node : Cost option =
    let whole node name = get node name |> asWhole name

    tryGet node "cost"
    |> Option.map (fun cost -> { Parameters = whole cost "parameters"; MultiplyAdds = whole cost "macs" })

let private readErrors (node: JsonElement) =
    let number name = get node name |> asNumber name
    EpochErrors(get node "epoch" |> asCount "epoch", number "top1_error", number "top5_error")

/// A plan of an older version has none.
let private readCaches (node: JsonElement) : TeacherCache option list =
    if (tryGet node "caches").IsNone then
        []
    else
        [ for views in items node "caches" ->
              if views.ValueKind = JsonValueKind.Null then
                  None
              else
                  Some { Views = Some(asCount "caches" views) |> Option.filter (fun count -> count > 0) } ]

/// As above.
let private readPrecisions (node: JsonElement) =
    if (tryGet node "precisions").IsNone then
        [ Precision.Float32 ]
    else
        all asText node "precisions" |> List.map SpecJson.PrecisionNamed

let private readLayout (node: JsonElement) =
    { Experiment = text node "experiment"
      Description = text node "description"
      Dataset = text node "dataset"
      Student = text node "student"
      Epochs = all asCount node "epochs"
      Seeds = all asWhole node "seeds"
      HeldOut =
        [ for share in items node "held_out" ->
              if share.ValueKind = JsonValueKind.Null then
                  None
              else
                  Some(asNumber "held_out" share) ]
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
      Hashes = Map [ for run in items node "runs" -> get run "folder" |> asFolder "folder", get run "hash" |> asText "hash" ]
      Rows =
        [ for row in items node "rows" ->
              { Variant = text row "variant"
                Axes = readAxes row
                Folders = all asFolder row "runs"
                // Earlier versions wrote none.
                Seeds = if (tryGet row "seeds").IsSome then all asWhole row "seeds" else []
                Cost = readCost row
                Published = readPublished row
                Assisted = (tryGet row "assisted").IsSome } ] }

let fileOf (folder: string) = Path.Combine(folder, "plan.json")

/// What a folder's plan.json says; None: there is none. An error says why it cannot be read; a sweep writes it again.
let tryRead (folder: string) : Result<Layout option, string> =
    let file = fileOf folder

    match InputFile.WhyNot file with
    | _ when not (File.Exists file) -> Ok None
    | null ->
        try
            use content = InputFile.OpenStream file
            use document = JsonDocument.Parse content
            Ok(Some(readLayout document.RootElement))
        with
        | :? JsonException
        // A text of halves of characters.
        | :? InvalidOperationException -> Error $"{file} is damaged: it is not JSON."
        | Wrong reason -> Error $"{file} is damaged: {reason}."
    | reason -> Error $"{file} is damaged: {reason}."

/// None where there is no plan.json, or one that this version cannot read.
let read (folder: string) : Layout option = tryRead folder |> Result.defaultValue None
