/// The tables of an experiment: from its run folders, into its files.
module ChannelDistillation.Lab.Runs.ResultTables

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Lab.Tables

/// The results so far, whatever part of the runs is there.
let collect (experimentFolder: string) (layout: Layout) : Results =
    let names = layout.Rows |> Seq.collect _.Folders |> Seq.distinct |> Seq.toArray
    SummaryCache.load experimentFolder names.Length

    // Thousands of runs: mostly waiting for files.
    let runs =
        names
        |> Array.Parallel.map (fun name ->
            RunSummary.ofFolder (Path.Combine(experimentFolder, name)) |> RunSummary.ofRun (layout.Hashes.TryFind name))

    let byName = dict (Array.zip names runs)
    let recordOf name : RunRecord = { Result = byName[name].Result; Seconds = byName[name].Seconds }
    Results.collect recordOf (runs |> Seq.choose _.Origin |> Seq.toList |> Provenance.ofRuns) layout

let private formats = [ "results.md", Md; "results.csv", Csv; "results.json", Json; "results.tex", Latex ]

/// What `write` writes.
let files (experimentFolder: string) : string list =
    PlanFile.fileOf experimentFolder :: [ for name, _ in formats -> Path.Combine(experimentFolder, name) ]

/// Writes plan.json and the tables, each at once; returns their paths, or why they are still those of before.
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
        Error $"The tables in {experimentFolder} are older than the runs, for they cannot be written: {error.Message} The same command writes them."
