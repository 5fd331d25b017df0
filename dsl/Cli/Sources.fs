/// Where results come from: an experiment's file, or the folder of its runs.
module ChannelDistillation.Cli.Sources

open System
open System.IO
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli.Common

let private layoutOf (source: string option) (out: string option) (sets: string list) =
    match source with
    | Some folder when Directory.Exists folder ->
        match PlanReader.tryRead folder with
        | Ok(Some layout) -> folder, layout
        | Error reason -> Ending.stop Ending.missing $"{reason} Repeat the sweep: it writes the file again, and trains only what is missing."
        | Ok None -> Ending.stop Ending.missing $"{folder} is no folder of an experiment: a sweep would have left a plan.json there."
    | _ ->
        let plan = load source sets true
        let folder = Sweep.folderOf (outOf out) plan
        let earlier = PlanReader.read folder
        let layout = Layouts.ofPlan Layouts.describedCost plan (Job.ofPlan folder plan) (Layouts.known earlier)
        folder, { layout with Command = earlier |> Option.bind _.Command }

/// The name as the results have it, or the nearest ones.
let private known what (names: string list) (given: string) =
    if List.contains given names then
        given
    else
        let near =
            match Suggest.near given names with
            | [] -> ""
            | nearest :: _ -> $"\nHint: maybe you want `{nearest}`?"

        let listed =
            if names.IsEmpty then
                "There is none."
            else
                $"""I know: {String.Join(", ", names)}."""

        Ending.stop Ending.invalid $"There is no {what} `{given}` in these results. {listed}{near}"

/// An axis by its path, or as the tables' headings have it.
let private knownAxis (layouts: Layout list) (given: string) =
    let axes = layouts |> List.collect Layout.axes |> List.distinct

    match axes |> List.filter (fun axis -> Layout.shortAxis axis = given) with
    | [ only ] -> only
    | _ -> known "axis" axes given

/// What a table is to show, with names that are in these results.
let options
    (accuracy: bool)
    (baseline: string option)
    (differences: DifferenceColumn list)
    (pivot: string option)
    (layouts: Layout list)
    : TableOptions =
    if baseline.IsSome && pivot.IsSome then
        Ending.stop Ending.invalid "--pivot shows errors alone: --baseline has no place in its cells. Use one of the two."

    if baseline.IsNone && not differences.IsEmpty then
        Ending.stop Ending.invalid "--differences adds to the differences to a baseline: name one with --baseline."

    let variants =
        layouts
        |> List.collect _.Rows
        |> List.filter (fun row -> not row.Folders.IsEmpty)
        |> List.map _.Variant
        |> List.distinct

    { Accuracy = accuracy
      Baseline = baseline |> Option.map (known "variant" variants)
      Differences = differences
      Pivot = pivot |> Option.map (knownAxis layouts) }

/// The experiment's folder and its results so far.
/// `out` is where experiments put their folders, `sets` are overrides of the experiment's file.
let collect (source: string option) (out: string option) (sets: string list) : string * Results =
    let folder, layout = layoutOf source out sets
    folder, ResultTables.collect folder layout
