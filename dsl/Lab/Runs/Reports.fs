/// Writes report.html of an experiment from its run folders.
module ChannelDistillation.Lab.Runs.Reports

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Report

let private detail (experimentFolder: string) (layout: TableLayout) (withRun: bool) (name: string, seed: int64 option) : RunDetail =
    let path = Path.Combine(experimentFolder, name)
    let summary = RunSummary.ofFolder path |> RunSummary.ofRun (layout.Hashes.TryFind name)
    let record: RunRecord = { Result = summary.Result; Seconds = summary.Seconds }

    { Folder = name
      Seed = seed
      Status = Results.statusOfRun record
      Record = record
      Run =
        if withRun && summary.HasRun then
            Option.ofObj (RunFolder(path).ReadRun())
        else
            None
      // Without a run.json, the files are not of this run.
      Epochs = if summary.HasRun then List.ofSeq (RunFolder(path).ReadMetrics()) else [] }

/// The details of every run, in the order of the table.
let details (experimentFolder: string) (layout: TableLayout) : RunDetail list =
    [ for row in layout.Rows do
          let seeds =
              if row.Seeds.Length = row.Folders.Length then
                  row.Seeds |> List.map Some
              else
                  row.Folders |> List.map (fun _ -> None)

          yield! List.zip row.Folders seeds ]
    |> List.distinctBy fst
    |> Array.ofList
    |> fun runs -> runs |> Array.Parallel.map (detail experimentFolder layout (runs.Length <= ReportData.mostDetails))
    |> List.ofArray

let render (options: TableOptions) (experimentFolder: string) (results: Results) : string =
    // As the last `table --deploy` measured it.
    let options =
        { options with
            Deployment = options.Deployment |> Option.orElse (Option.ofObj (Deployment.Read experimentFolder)) }

    ReportPage.render options results (details experimentFolder results.Layout)

let fileOf (experimentFolder: string) = Path.Combine(experimentFolder, "report.html")

/// Writes report.html into the experiment's folder. Returns its path, or why it could not be updated.
let write (options: TableOptions) (experimentFolder: string) (results: Results) : Result<string, string> =
    let path = fileOf experimentFolder

    try
        AtomicFile.WriteText(path, render options experimentFolder results)
        Ok path
    with
    | :? IOException
    | :? UnauthorizedAccessException as error ->
        Error $"{path} is out of date, because it cannot be written: {error.Message} To update it, run `report`."
