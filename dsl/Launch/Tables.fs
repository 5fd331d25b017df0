/// The tables of an experiment: from its run folders, into its files.
module ChannelDistillation.Dsl.Launch.Tables

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Records

/// Wall-clock seconds of the sessions that the run is the work of. One that was killed has not noted its own: then those of all epochs.
let private seconds (folder: RunFolder) (run: JsonObject) =
    let noted =
        [ for session in Sessions.Counting run ->
              match session["seconds"] with
              | null -> None
              | value when value.GetValueKind() = JsonValueKind.Number -> Some(value.GetValue<float>()) |> Option.filter Double.IsFinite
              | _ -> None ]

    if List.forall Option.isSome noted then
        Some(List.sumBy Option.get noted)
    else
        match List.ofSeq (folder.ReadMetrics()) with
        | [] -> None
        | epochs -> Some(epochs |> List.sumBy _.Seconds)

let private isCompleted (result: RunResult option) = result |> Option.exists (fun result -> result.Status = RunStatus.Completed)

/// What the folder of a run says, with its run.json where there is one; nothing where it is of another run than the one with the hash.
let read (folder: RunFolder) (hash: string option) : RunRecord * JsonObject option =
    let run = folder.ReadRun()
    let isOfAnother = hash |> Option.exists (fun hash -> RunFolder.IsOfAnother(run, hash))
    let result = if isOfAnother then None else Option.ofObj (folder.ReadResult())

    match run with
    | _ when isOfAnother -> RunRecord.Nothing, None
    | null -> { Result = result; Seconds = None }, None
    | run -> { Result = result; Seconds = (if isCompleted result then seconds folder run else None) }, Some run

/// The results so far, whatever part of the runs is there.
let collect (experimentFolder: string) (layout: Layout) : Results =
    let names = layout.Rows |> Seq.collect _.Folders |> Seq.distinct |> Seq.toArray

    // Thousands of runs: mostly waiting for files.
    let records =
        names
        |> Array.Parallel.map (fun name -> read (RunFolder(Path.Combine(experimentFolder, name))) (layout.Hashes.TryFind name))

    let byName = dict (Array.zip names (Array.map fst records))
    let completed = records |> Seq.choose (fun (record, run) -> if isCompleted record.Result then run else None) |> Seq.toList
    Results.collect (fun name -> byName[name]) (Provenance.ofRuns completed) layout

/// Writes plan.json and the tables, each at once; returns their paths, or why they are still those of before.
let write (experimentFolder: string) (results: Results) (plan: string) : Result<string list, string> =
    try
        Ok
            [ for name, text in
                  [ "plan.json", plan
                    for name, format in [ "results.md", Md; "results.csv", Csv; "results.json", Json; "results.tex", Latex ] do
                        name, Format.render format TableOptions.Default results ] ->
                  let path = Path.Combine(experimentFolder, name)
                  AtomicFile.WriteText(path, text)
                  path ]
    with
    | :? IOException
    | :? UnauthorizedAccessException as error ->
        Error $"The tables in {experimentFolder} are older than the runs, for they cannot be written: {error.Message} The same command writes them."
