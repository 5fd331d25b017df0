/// The files that a sweep has written.
module ChannelDistillation.Tests.Outcome

open System
open System.IO
open System.Security.Cryptography
open System.Text.Json.Nodes
open ChannelDistillation.Tracking

/// The lines without times.
let private metrics (file: string) =
    [ for line in File.ReadAllLines file do
          let epoch = (JsonNode.Parse line).AsObject()
          epoch.Remove "seconds" |> ignore
          epoch.Remove "images_per_second" |> ignore
          epoch.ToJsonString() ]
    |> String.concat "\n"

/// Every event, without times and speeds.
let private events (file: string) =
    let struct (records, isWhole) = EventRecords.Read file

    [ for record in records do
          let event = nonNull (TrainingEvents.Parse record)
          event.WallTime <- 0.0

          for speed in
              Option.ofObj event.Summary
              |> Option.map (fun summary -> summary.Value |> Seq.filter _.Tag.StartsWith("speed/") |> Seq.toList)
              |> Option.defaultValue [] do
              event.Summary.Value.Remove speed |> ignore

          string event
      $"whole: {isWhole}" ]
    |> String.concat "\n"

/// Its rows, without provenance and times.
let private results (file: string) =
    let whole = (JsonNode.Parse(File.ReadAllText file)).AsObject()
    whole.Remove "provenance" |> ignore

    for row in whole["rows"].AsArray() do
        row.AsObject().Remove "seconds" |> ignore

    whole.ToJsonString()

/// Every file without times and speeds, by its name in the folder.
let ofFolder (folder: string) =
    [ for file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories) |> Array.sort do
          let name = Path.GetRelativePath(folder, file)

          match Path.GetFileName file with
          // Other files contain dates and times of runs.
          | "run.json"
          | "results.md"
          | "results.csv"
          | "results.tex"
          | "report.html" -> name, "there"
          | "results.json" -> name, results file
          | "metrics.jsonl" -> name, metrics file
          | name when name.StartsWith RunEvents.Prefix -> "events", events file
          | _ -> name, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes file)) ]
