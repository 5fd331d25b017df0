/// `table`: the results so far.
module ChannelDistillation.Cli.TableVerb

open Argu
open System.IO
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type TableFormat =
    | Md
    | Csv
    | Json

type TableArguments =
    | [<MainCommand; Unique>] Source of ``file or folder``: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Format of TableFormat

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "an experiment, or the folder of its runs; default experiments/quickstart.yaml"
            | Out _ -> "where results are; default runs"
            | Set _ -> "the overrides that the sweep was started with"
            | Format _ -> "default md"

/// The experiment's folder and what its table shows: from the folder itself, or from the experiment's file.
let private layoutOf (source: string option) (out: string option) (sets: string list) =
    match source with
    | Some folder when Directory.Exists folder ->
        match PlanFile.read folder with
        | Some layout -> folder, layout
        | None -> Ending.stop Ending.missing $"{folder} is no folder of an experiment: a sweep would have left a plan.json there."
    | _ ->
        let plan = load source sets true
        let folder = Sweep.folderOf (outOf out) plan
        folder, Layouts.ofPlan plan (Job.ofPlan folder plan) (Layouts.knownErrors (PlanFile.read folder))

let run (arguments: string list) =
    match Parsing.parse<TableArguments> "table" arguments with
    | None -> 0
    | Some parsed ->
        let folder, layout = layoutOf (parsed.TryGetResult Source) (parsed.TryGetResult Out) (parsed.GetResults Set)

        let format =
            match parsed.GetResult(Format, TableFormat.Md) with
            | TableFormat.Md -> Report.Md
            | TableFormat.Csv -> Report.Csv
            | TableFormat.Json -> Report.Json

        printf "%s" (Tables.collect folder layout |> Report.Format.render format)
        0
