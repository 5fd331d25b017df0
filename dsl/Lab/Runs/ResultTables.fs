/// Collects the results of an experiment from its run folders, and writes its tables.
module ChannelDistillation.Lab.Runs.ResultTables

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs.Outdated

/// The results so far, of the runs that exist.
let collect (experimentFolder: string) (layout: TableLayout) : Results =
    let names = layout.Rows |> Seq.collect _.Folders |> Seq.distinct |> Seq.toArray
    SummaryCache.load experimentFolder names.Length

    // In parallel, because with thousands of runs most time is spent waiting for files.
    let runs =
        names
        |> Array.Parallel.map (fun name ->
            RunSummary.ofFolder (Path.Combine(experimentFolder, name)) |> RunSummary.ofRun (layout.Hashes.TryFind name))

    let byName = dict (Array.zip names runs)
    let recordOf name : RunRecord = { Result = byName[name].Result; Seconds = byName[name].Seconds }
    Results.collect recordOf (runs |> Seq.choose _.Origin |> Seq.toList |> Provenance.ofRuns) layout

/// Adds warnings about outdated runs to results.
let noting (outdated: OutdatedRun list) (results: Results) : Results =
    { results with Provenance = { results.Provenance with Outdated = Outdated.warnings outdated } }

let private formats = [ "results.md", Md; "results.csv", Csv; "results.json", Json; "results.tex", Latex ]

/// The files that `write` writes.
let files (experimentFolder: string) : string list =
    PlanFile.fileOf experimentFolder :: [ for name, _ in formats -> Path.Combine(experimentFolder, name) ]

/// Writes plan.json and the tables, each atomically. Returns their paths, or why they could not be updated.
let write (experimentFolder: string) (results: Results) (runs: PlanFile.ListedRun list) : Result<string list, string> =
    let plan = PlanFile.fileOf experimentFolder

    try
        AtomicFile.Write(plan, (fun file -> PlanFile.write (fun text -> file.Write text.Span) results.Layout runs))

        Ok
            [ plan
              for name, format in formats do
                  let path = Path.Combine(experimentFolder, name)
                  AtomicFile.WriteText(path, TableFormat.render format TableOptions.Default results)
                  path ]
    with
    | :? IOException
    | :? UnauthorizedAccessException as error ->
        Error $"The tables in {experimentFolder} are out of date, because they cannot be written: {error.Message} To update them, repeat the command."
