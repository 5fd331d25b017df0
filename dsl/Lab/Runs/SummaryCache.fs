/// Caches the summaries of thousands of runs between commands, so that unchanged folders are not read and unchanged tables not written again.
module ChannelDistillation.Lab.Runs.SummaryCache

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.IO
open System.IO.Hashing
open System.Text
open System.Text.Json
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Lab.Tables

/// With fewer runs, reading all files is fast enough.
let private fewest = 500

let private isOfMany (runs: int) = runs >= fewest

let private fileOf (experimentFolder: string) = Path.Combine(experimentFolder, ".summaries")

type Trained = (TrainedOn * ((string * string) * string) list) list

type KeptRun =
    {
        Folder: string
        Stamp: RecordStamp
        /// Without `Origin.Trained`, which is stored once in `Kept.Trained`.
        Summary: RunSummary
        /// Index into `Kept.Trained`; nearly all runs have the same entry.
        Trained: int
    }

type Kept =
    {
        Build: string
        /// Digest of the input of the tables.
        Tables: string
        Trained: Trained array
        Runs: KeptRun array
    }

let private tables = ConcurrentDictionary<string, string>()

/// Identifies this build of the program; another build may read or show more.
let private build = $"{Product.Version} {typeof<Kept>.Assembly.ManifestModule.ModuleVersionId} {TrainingCode.Digest}"

/// The checksum and line break at the start of the file.
let private checksumOf (content: ReadOnlySpan<byte>) = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(XxHash128.Hash content) + "\n")

let private parse (file: byte array) : Kept option =
    let start = min (checksumOf (ReadOnlySpan [||])).Length file.Length
    let content = ReadOnlySpan(file, start, file.Length - start)

    if (ReadOnlySpan(file, 0, start)).SequenceEqual(ReadOnlySpan(checksumOf content)) then
        JsonSerializer.Deserialize<Kept>(content, RecordJson.Line)
        |> Option.ofObj
        |> Option.filter (fun kept -> kept.Build = build)
    else
        None

let private read (experimentFolder: string) : string =
    let path = fileOf experimentFolder

    try
        match
            if File.Exists path then
                parse (InputFile.ReadAll(path, Int32.MaxValue))
            else
                None
        with
        | None -> ""
        | Some kept ->
            let known =
                [| for run in kept.Runs do
                       let origin = run.Summary.Origin |> Option.map (fun origin -> { origin with Trained = kept.Trained[run.Trained] })
                       Path.Combine(experimentFolder, run.Folder), run.Stamp, { run.Summary with Origin = origin } |]

            for path, stamp, summary in known do
                RunSummary.remember path stamp summary

            kept.Tables
    // A damaged cache is ignored and rewritten.
    with _ ->
        ""

/// Loads the cache of an experiment with many runs, once per process.
let load (experimentFolder: string) (runs: int) =
    if isOfMany runs then
        tables.GetOrAdd(experimentFolder, read) |> ignore

/// Digest of the input of the tables and the report, as just read by `ResultTables.collect`, and of the times of their files. None: some runs changed
/// within the last seconds.
let digest (experimentFolder: string) (results: Results) (runs: PlanFile.ListedRun list) (files: string list) : string option =
    let hash = XxHash128()

    let add (bytes: byte array) = hash.Append bytes

    let addFile (file: FileInfo) =
        add (Encoding.UTF8.GetBytes $"{file.Name} {file.Exists} {file.LastWriteTimeUtc.Ticks} {(if file.Exists then file.Length else 0L)}")

    let rec addStamps (folders: string list) =
        match folders with
        | [] -> true
        | name :: rest ->
            let path = Path.Combine(experimentFolder, name)

            match RunSummary.remembered path with
            | Some(stamp, summary) ->
                add (Encoding.UTF8.GetBytes(string stamp))

                // The metrics of a completed run were written before its result.
                if not summary.IsCompleted then
                    addFile (FileInfo(RunFolder(path).Metrics))

                addStamps rest
            | None -> false

    if not (addStamps [ for run in runs -> run.Folder ]) then
        None
    else
        PlanFile.write (fun text -> hash.Append text.Span) results.Layout runs
        results.Provenance.Outdated |> List.iter (fun (warning: string) -> add (Encoding.UTF8.GetBytes warning))

        for file in files do
            addFile (FileInfo file)

        Some(Convert.ToHexStringLower(hash.GetCurrentHash()))

/// Whether the tables of an experiment with many runs are up to date.
let isCurrent (experimentFolder: string) (runs: int) (digest: unit -> string option) =
    isOfMany runs
    && match tables.TryGetValue experimentFolder with
       | true, known when known <> "" -> digest () = Some known
       | _ -> false

/// Saves the cache of an experiment with many runs. Write errors are ignored.
let save (experimentFolder: string) (runs: PlanFile.ListedRun list) (digest: unit -> string option) =
    if isOfMany runs.Length then
        let digest = digest () |> Option.defaultValue ""

        let places = Dictionary<Trained, int>()

        let placeOf (trained: Trained) =
            match places.TryGetValue trained with
            | true, place -> place
            | _ ->
                places[trained] <- places.Count
                places[trained]

        let kept =
            [| for run in runs do
                   match RunSummary.remembered (Path.Combine(experimentFolder, run.Folder)) with
                   | Some(stamp, summary) ->
                       { Folder = run.Folder
                         Stamp = stamp
                         Summary = { summary with Origin = summary.Origin |> Option.map (fun origin -> { origin with Trained = [] }) }
                         Trained = summary.Origin |> Option.map _.Trained |> Option.defaultValue [] |> placeOf }
                   | None -> () |]

        let kept =
            { Build = build
              Tables = digest
              Trained = [| for entry in places |> Seq.sortBy _.Value -> entry.Key |]
              Runs = kept }

        try
            let content = JsonSerializer.SerializeToUtf8Bytes(kept, RecordJson.Line)

            AtomicFile.Write(
                fileOf experimentFolder,
                fun file ->
                    file.Write(ReadOnlySpan(checksumOf (ReadOnlySpan content)))
                    file.Write(ReadOnlySpan content)
            )

            tables[experimentFolder] <- digest
        with
        | :? IOException
        | :? UnauthorizedAccessException -> ()
