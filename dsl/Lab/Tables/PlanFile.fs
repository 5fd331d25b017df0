/// plan.json: the layout of the tables, and the runs. Written by `sweep`, printed by `plan --json`, and read by `PlanReader`.
module ChannelDistillation.Lab.Tables.PlanFile

open System
open System.Buffers
open System.IO
open System.Text
open System.Text.Json
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning

let fileOf (folder: string) = Path.Combine(folder, "plan.json")

/// A run as plan.json lists it.
type ListedRun =
    {
        Run: PlannedRun
        Folder: string
        /// The number of its cohort, from 1.
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

/// 0: images without augmentation.
let private cache (cache: TeacherCache) : Json.Node = Json.integer (int64 (defaultArg cache.Views 0))

let private precision (precision: Precision) : Json.Node = Json.text (SpecJson.NameOf precision)

let private head (layout: TableLayout) : (string * Json.Node) list =
    [ "experiment", Json.text layout.Experiment
      "description", Json.text layout.Description
      "dataset", Json.text layout.Dataset
      "student", Json.text layout.Student
      "epochs", Json.array (layout.Epochs |> List.map (int64 >> Json.integer))
      "seeds", Json.array (layout.Seeds |> List.map Json.integer)
      "held_out", Json.array (layout.HoldOut |> List.map (Json.optional Json.number))
      "caches", Json.array (layout.Caches |> List.map (Json.optional cache))
      "precisions", Json.array (layout.Precisions |> List.map precision)
      "command", Json.optional Json.text layout.Command
      "teachers", Json.array (List.map teacher layout.Teachers)
      if not layout.Named.IsEmpty then
          "named_axes", Json.object [ for entry in layout.Named -> entry.Key, Json.array (List.map Json.text entry.Value) ] ]

/// Approximate number of bytes written at a time.
let private chunkBytes = 1 <<< 16

/// Writes the text in chunks of UTF-8, each of whole characters. A hundred thousand runs have 200 MB.
let write (writeChunk: ReadOnlyMemory<byte> -> unit) (layout: TableLayout) (runs: ListedRun seq) =
    let text = ArrayBufferWriter<byte>(2 * chunkBytes)

    let flush (json: Utf8JsonWriter) =
        json.Flush()
        writeChunk text.WrittenMemory
        text.ResetWrittenCount()

    use json = new Utf8JsonWriter(text, JsonWriterOptions(Indented = true, Encoder = RecordJson.Pretty.Encoder))

    let list (name: string) write items =
        json.WriteStartArray name

        for item in items do
            write item

            if int64 text.WrittenCount + int64 json.BytesPending > int64 chunkBytes then
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
    writeChunk (ReadOnlyMemory "\n"B)

/// The whole text.
let render (layout: TableLayout) (runs: ListedRun list) =
    let text = ArrayBufferWriter<byte>()
    write (fun part -> text.Write part.Span) layout runs
    Encoding.UTF8.GetString text.WrittenSpan
