/// Finds results by an experiment's file or by the folder of its runs.
module ChannelDistillation.Cli.Sources

open System
open System.IO
open ChannelDistillation.Dsl
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli.Common

let private layoutOf (source: string option) (out: string option) (sets: string list) =
    match source with
    | Some folder when Directory.Exists folder ->
        match PlanReader.tryRead folder with
        | Ok(Some layout) -> folder, layout, Outdated.ofTable folder layout
        | Error reason -> ExitCodes.stop ExitCodes.missing $"{reason} Repeat the sweep to rewrite it; only missing runs are trained."
        | Ok None -> ExitCodes.stop ExitCodes.missing $"{folder} is not the folder of an experiment: it has no plan.json."
    | _ ->
        let plan = load source sets true
        let folder = Sweep.folderOf (outOf out) plan
        let earlier = PlanReader.read folder
        let jobs = Job.ofPlan folder plan
        let layout = Layouts.ofPlan Layouts.describedCost plan jobs (Layouts.known earlier)
        folder, { layout with Command = earlier |> Option.bind _.Command }, Outdated.ofJobs workspace openDataset jobs |> List.map snd

/// Returns a name that the results contain; otherwise exits with the known names.
let private known what (names: string list) (given: string) =
    if List.contains given names then
        given
    else
        let listed =
            if names.IsEmpty then
                $"They have no {what} at all."
            else
                $"""Known: {String.Join(", ", names)}."""

        ExitCodes.stop ExitCodes.invalid $"These results have no {what} `{given}`. {listed}{Parsing.hint given names}"

/// Finds an axis by its path or by its heading in the tables.
let private knownAxis (layouts: TableLayout list) (given: string) =
    let axes = layouts |> List.collect TableLayout.axes |> List.distinct

    match axes |> List.filter (fun axis -> TableLayout.shortAxis axis = given) with
    | [ only ] -> only
    | _ -> known "axis" axes given

/// Reads `kd` or `kd[temperature=4]`; otherwise exits with the rows that there are.
let private baselineOf (layouts: TableLayout list) (given: string) : Baseline =
    let rows = layouts |> List.collect _.Rows |> List.filter (fun row -> not row.Folders.IsEmpty)
    let variant, point = Baseline.split given
    let variant = known "variant" (rows |> List.map _.Variant |> List.distinct) variant
    let own = rows |> List.filter (fun row -> row.Variant = variant)

    let found: Baseline list =
        [ for row in own do
              match Baseline.selected point row.Axes with
              | Some point -> { Variant = variant; Point = point }
              | None -> () ]
        |> List.distinct

    match found with
    | [ baseline ] -> baseline
    | _ ->
        let rows = own |> List.map (fun row -> string { Variant = variant; Point = row.Axes }) |> List.distinct
        let problem = if found.IsEmpty then "These results have no row" else "Several rows match"
        ExitCodes.stop ExitCodes.invalid $"""{problem} `{given}`. Known: {MessageFormat.known rows}.{Parsing.hint given rows}"""

/// Validates the options of a table against the results.
let options
    (accuracy: bool)
    (baseline: string option)
    (differences: DifferenceColumn list)
    (pivot: string option)
    (deployment: Deployment option)
    (layouts: TableLayout list)
    : TableOptions =
    if baseline.IsSome && pivot.IsSome then
        ExitCodes.stop ExitCodes.invalid "--pivot and --baseline cannot be combined: the cells of a pivot table show only errors."

    if baseline.IsNone && not differences.IsEmpty then
        ExitCodes.stop ExitCodes.invalid "--differences needs a baseline: add --baseline ROW."

    { Accuracy = accuracy
      Baseline = baseline |> Option.map (baselineOf layouts)
      Differences = differences
      Pivot = pivot |> Option.map (knownAxis layouts)
      Deployment = deployment }

/// The experiment's folder and its results so far.
/// `out`: the folder of all experiments (`--out`). `sets`: the overrides (`--set`).
let collect (source: string option) (out: string option) (sets: string list) : string * Results =
    let folder, layout, outdated = layoutOf source out sets
    folder, ResultTables.collect folder layout |> ResultTables.noting outdated
