/// Reads plan.json, for `table RUNS-FOLDER` and for values that a sweep reuses.
module ChannelDistillation.Lab.Tables.PlanReader

open System
open System.IO
open System.Text.Json
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Dsl

/// A missing entry or one of the wrong type; the file is untrusted.
exception private Wrong of reason: string

let private shown (node: JsonElement) =
    let text = node.GetRawText()
    if text.Length > 40 then text.Substring(0, 37) + "..." else text

let private wrong (name: string) (what: string) (node: JsonElement) : 'a = raise (Wrong $"`{name}` is {shown node}, but must be {what}")

/// An entry of an object. None: it is null or missing.
let private tryGet (node: JsonElement) (name: string) =
    if node.ValueKind <> JsonValueKind.Object then
        wrong name "an object" node

    match node.TryGetProperty name with
    | true, value when value.ValueKind <> JsonValueKind.Null -> Some value
    | _ -> None

let private get (node: JsonElement) (name: string) =
    match tryGet node name with
    | Some value -> value
    | None -> raise (Wrong $"`{name}` is missing")

let private asText name (value: JsonElement) =
    if value.ValueKind = JsonValueKind.String then
        string (value.GetString())
    else
        wrong name "a string" value

let private asNumber name (value: JsonElement) =
    match value.ValueKind with
    | JsonValueKind.Number when Double.IsFinite(value.GetDouble()) -> value.GetDouble()
    | _ -> wrong name "a number" value

let private asWhole name (value: JsonElement) =
    let mutable whole = 0L

    if value.ValueKind = JsonValueKind.Number && value.TryGetInt64 &whole then
        whole
    else
        wrong name "an integer" value

let private asCount name (value: JsonElement) =
    match asWhole name value with
    | count when count >= 0L && count <= int64 Int32.MaxValue -> int count
    | _ -> wrong name "an integer of at least 0" value

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

/// The name of a folder in the experiment's folder, or `../EXPERIMENT/NAME` for a run of another experiment; other paths are refused.
let private asFolder name (value: JsonElement) =
    let folder = asText name value
    let isName (part: string) = part <> "" && part <> "." && part <> ".." && Path.GetFileName part = part && not (part.Contains '\000')

    match folder.Split '/' with
    | [| name |] when isName name -> ()
    | [| ".."; experiment; name |] when isName experiment && isName name -> ()
    | _ -> wrong name "the name of a folder" value

    folder

let private readPublished node : PublishedRow option =
    tryGet node "published"
    |> Option.map (fun row ->
        { Top1Error = number row "top1_error"
          Top5Error = number row "top5_error"
          Source = tryText row "source"
          Protocol = tryText row "protocol" })

let private readCost node : Cost option =
    tryGet node "cost"
    |> Option.map (fun cost ->
        { Parameters = get cost "parameters" |> asWhole "parameters"
          MultiplyAdds = tryGet cost "macs" |> Option.map (asWhole "macs") })

let private readErrors (node: JsonElement) =
    let number name = get node name |> asNumber name
    EpochErrors(get node "epoch" |> asCount "epoch", number "top1_error", number "top5_error")

/// Empty in a plan of an older version.
let private readCaches (node: JsonElement) : TeacherCache option list =
    if (tryGet node "caches").IsNone then
        []
    else
        [ for views in items node "caches" ->
              if views.ValueKind = JsonValueKind.Null then
                  None
              else
                  Some { Views = Some(asCount "caches" views) |> Option.filter (fun count -> count > 0) } ]

/// float32 in a plan of an older version.
let private readPrecisions (node: JsonElement) =
    if (tryGet node "precisions").IsNone then
        [ Precision.Float32 ]
    else
        all asText node "precisions" |> List.map SpecJson.PrecisionNamed

/// None in a plan of an older version.
let private readNamed (node: JsonElement) =
    match tryGet node "named_axes" with
    | Some named when named.ValueKind = JsonValueKind.Object ->
        Map [ for entry in named.EnumerateObject() -> entry.Name, all asText named entry.Name ]
    | Some other -> wrong "named_axes" "an object" other
    | None -> Map.empty

let private readLayout (node: JsonElement) =
    { Experiment = text node "experiment"
      Description = text node "description"
      Dataset = text node "dataset"
      Student = text node "student"
      Epochs = all asCount node "epochs"
      Seeds = all asWhole node "seeds"
      HoldOut =
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
      Named = readNamed node
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

/// The layout in a folder's plan.json. None: there is no such file. Error: why it cannot be read; a sweep rewrites it.
let tryRead (folder: string) : Result<TableLayout option, string> =
    let file = PlanFile.fileOf folder

    match InputFile.ReasonNotReadable file with
    | _ when not (File.Exists file) -> Ok None
    | null ->
        try
            use content = InputFile.OpenStream file
            use document = JsonDocument.Parse content
            Ok(Some(readLayout document.RootElement))
        with
        | :? JsonException
        // A string with unpaired surrogates.
        | :? InvalidOperationException -> Error $"{file} is damaged: it is not valid JSON."
        | Wrong reason -> Error $"{file} is damaged: {reason}."
    | reason -> Error $"{file} is damaged: {reason}."

/// The layout in a folder's plan.json. None: there is none that this version can read.
let read (folder: string) : TableLayout option = tryRead folder |> Result.defaultValue None
