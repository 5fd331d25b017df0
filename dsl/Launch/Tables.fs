/// The tables of an experiment: from its run folders, into its files.
module ChannelDistillation.Dsl.Launch.Tables

open System
open System.IO
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Records

/// The results so far, whatever part of the runs is there.
let collect (experimentFolder: string) (layout: Layout) =
    let folderOf name = RunFolder(Path.Combine(experimentFolder, name))

    let results =
        layout.Rows
        |> List.collect _.Folders
        |> List.distinct
        |> List.map (fun name ->
            let folder = folderOf name
            let isOfAnother = layout.Hashes.TryFind name |> Option.exists folder.IsOfAnother
            name, (if isOfAnother then None else Option.ofObj (folder.ReadResult())))
        |> dict

    let completed =
        [ for entry in results do
              match entry.Value with
              | Some result when result.Status = RunStatus.Completed -> folderOf entry.Key
              | _ -> () ]

    Results.collect (fun name -> results[name]) (TrainedWith.ofRuns completed) layout

/// Writes plan.json and the tables, each at once; returns their paths, or why they are still those of before.
let write (experimentFolder: string) (results: Results) (plan: string) : Result<string list, string> =
    try
        Ok
            [ for name, text in
                  [ "plan.json", plan
                    for name, format in [ "results.md", Md; "results.csv", Csv; "results.json", Json ] do
                        name, Format.render format results ] ->
                  let path = Path.Combine(experimentFolder, name)
                  AtomicFile.WriteText(path, text)
                  path ]
    with
    | :? IOException
    | :? UnauthorizedAccessException as error ->
        Error $"The tables in {experimentFolder} are older than the runs, for they cannot be written: {error.Message} The same command writes them."
