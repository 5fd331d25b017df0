/// report.html of an experiment, from its run folders.
module ChannelDistillation.Dsl.Launch.Reports

open System
open System.Diagnostics
open System.IO
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Dsl.Report.Html
open ChannelDistillation.Records

let private detail (experimentFolder: string) (layout: Layout) (name: string, seed: int64 option) : RunDetail =
    let folder = RunFolder(Path.Combine(experimentFolder, name))
    let record, run = Tables.read folder (layout.Hashes.TryFind name)

    { Folder = name
      Seed = seed
      Status = Results.statusOfRun record
      Record = record
      Run = run
      // Without run.json there is nothing of this run.
      Epochs = if run.IsSome then List.ofSeq (folder.ReadMetrics()) else [] }

/// Everything of every run, in the order of the table.
let details (experimentFolder: string) (layout: Layout) : RunDetail list =
    [ for row in layout.Rows do
          let seeds =
              if row.Seeds.Length = row.Folders.Length then
                  row.Seeds |> List.map Some
              else
                  row.Folders |> List.map (fun _ -> None)

          yield! List.zip row.Folders seeds ]
    |> List.distinctBy fst
    |> Array.ofList
    |> Array.Parallel.map (detail experimentFolder layout)
    |> List.ofArray

let render (options: TableOptions) (experimentFolder: string) (results: Results) : string =
    ReportPage.render options results (details experimentFolder results.Layout)

/// Writes report.html into the experiment's folder; returns its path, or why it is still that of before.
let write (options: TableOptions) (experimentFolder: string) (results: Results) : Result<string, string> =
    let path = Path.Combine(experimentFolder, "report.html")

    try
        AtomicFile.WriteText(path, render options experimentFolder results)
        Ok path
    with
    | :? IOException
    | :? UnauthorizedAccessException as error -> Error $"{path} is older than the runs, for it cannot be written: {error.Message} `report` writes it."

/// Writes while a sweep goes on: of thousands of runs not so often that it would cost more than a twentieth of the time.
[<Sealed>]
type Occasionally() =
    let sinceWritten = Stopwatch()
    let mutable took = TimeSpan.Zero

    member _.Write(experimentFolder: string, results: Results) =
        if not sinceWritten.IsRunning || sinceWritten.Elapsed >= took * 20.0 then
            let clock = Stopwatch.StartNew()
            write TableOptions.Default experimentFolder results |> ignore
            took <- clock.Elapsed
            sinceWritten.Restart()
