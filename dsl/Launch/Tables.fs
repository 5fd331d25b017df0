/// The tables of an experiment: from its run folders, into its files.
module ChannelDistillation.Dsl.Launch.Tables

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
        |> List.map (fun name -> name, folderOf(name).ReadResult() |> Option.ofObj)
        |> dict

    let completed =
        [ for entry in results do
              match entry.Value with
              | Some result when result.Status = RunStatus.Completed -> folderOf entry.Key
              | _ -> () ]

    Results.collect (fun name -> results[name]) (TrainedWith.ofRuns completed) layout

/// Writes the tables, each at once; returns their paths.
let write (experimentFolder: string) (results: Results) =
    [ for name, format in [ "results.md", Md; "results.csv", Csv; "results.json", Json ] ->
          let path = Path.Combine(experimentFolder, name)
          AtomicFile.WriteText(path, Format.render format results)
          path ]
