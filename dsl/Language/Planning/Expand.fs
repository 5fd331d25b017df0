/// Expands an experiment into rows and runs.
module ChannelDistillation.Dsl.Planning.Expand

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Grids

let private reportUnused (where: Where) (dimensions: Dimensions.Dimension list) (rows: Row list) : Problem list =
    let used = rows |> Seq.collect (fun row -> Seq.map fst row.Axes) |> Seq.distinct |> Set.ofSeq

    [ for dimension in dimensions do
          for axis in dimension.Axes do
              if not (used.Contains axis.Path) then
                  let key = [ "grid"; "product"; axis.Path ]

                  let place = if (where.Node key).IsSome then where.Key key else Some axis.Values[0].Place

                  { Diagnostic = UnusedAxis axis.Path; Place = place } ]

/// Warns about an axis `dataset` whose values replace the settings beside the dataset's name.
let private reportReplaced (experiment: Experiment) (dimensions: Dimensions.Dimension list) : Problem list =
    let beside (experiment: Experiment) = { experiment.Dataset with Source = Named "" }
    let blank = beside ExperimentCodec.blank

    [ for axis in dimensions |> Seq.collect _.Axes do
          if axis.Segments = [ "dataset" ] && beside experiment <> blank then
              match axis.Values |> Array.tryFind (fun value -> beside (value.Apply experiment) = blank) with
              | Some value -> { Diagnostic = DatasetReplaced; Place = Some value.Place }
              | None -> () ]

/// The sections of the file that are broken.
let private broken (reader: Reader) = [ "dataset"; "student"; "teacher" ] |> List.filter (fun section -> reader.IsSpoilt [ section ])

/// The plan of an experiment, and warnings. Problems go to the reader. If the reader already has problems, broken parts of the experiment
/// have default values; the result is None, but further problems are still reported.
let plan (reader: Reader) (where: Where) (experiment: Experiment) : (Plan * Problem list) option =
    let warnings = ResizeArray<Problem>()
    let broken = broken reader
    let found = Dimensions.find reader where experiment
    let dimensions = found.Dimensions
    let excluded = Exclusions.find reader where experiment dimensions warnings
    let included = Inclusions.find reader where experiment
    let publishedPoints = PublishedResults.find reader where experiment
    let points = Dimensions.points dimensions

    if points > float RangeCodec.pointLimit then
        reader.Report([ "grid" ], Option.get (where.Key [ "grid" ]), GridTooLarge(points, RangeCodec.pointLimit))
    else
        PointChecks.run reader where experiment (found.Unsure + set broken) dimensions excluded included

    if not reader.Problems.IsEmpty then
        None
    else
        let axisTable = Drafts.AxisTable()

        for axis in dimensions |> Seq.collect _.Axes do
            let number = axisTable.Axis axis.Path

            for value in axis.Values do
                axisTable.Value(number, value) |> ignore

        let drafts =
            (experiment.Variants |> List.collect (Drafts.ofVariant axisTable experiment (Array.ofList dimensions) excluded))
            @ Drafts.included axisTable experiment included
            |> Drafts.merge experiment

        if drafts.IsEmpty then
            reader.Report([ "grid" ], Option.get (where.Key [ "grid"; "exclude" ]), EverythingExcluded)
            None
        else
            let placed = PublishedResults.place where experiment publishedPoints drafts

            if not placed.Contradictions.IsEmpty then
                for problem in placed.Contradictions do
                    problem.Place |> Option.iter (fun place -> reader.Report([ "points"; "published" ], place, problem.Diagnostic))

                None
            else
                let rows = Rows.make experiment axisTable drafts placed.OfDrafts

                Some(
                    { Experiment = experiment; Rows = rows; Runs = Drafts.distinct drafts rows; Literature = placed.Alone },
                    List.ofSeq warnings
                    @ reportReplaced experiment dimensions
                    @ reportUnused where dimensions rows
                    @ placed.Warnings
                    @ ScheduleChecks.warnings where experiment axisTable drafts
                )
