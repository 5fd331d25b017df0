/// Expands an experiment into rows and runs.
module ChannelDistillation.Dsl.Planning.Expand

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Grids

/// Whether an axis only sets losses that no variant uses, which has its own warning.
let private isOfUnusedLosses (experiment: Experiment) (axis: Axes.FoundAxis) =
    let unused = Check.unusedLosses experiment

    axis.Segments
    |> List.forall (fun segments ->
        match segments with
        | "losses" :: loss :: _ -> List.contains loss unused
        | _ -> false)

let private reportUnused (where: PlaceFinder) (experiment: Experiment) (dimensions: Dimensions.Dimension list) (rows: Row list) : Problem list =
    let used = rows |> Seq.collect (fun row -> Seq.map fst row.Axes) |> Seq.distinct |> Set.ofSeq

    [ for dimension in dimensions do
          for axis in dimension.Axes do
              if not (used.Contains axis.Name || isOfUnusedLosses experiment axis) then
                  let key = [ "grid"; "product"; axis.Name ]

                  let place = if (where.Node key).IsSome then where.Key key else Some axis.Values[0].Place

                  { Diagnostic = UnusedAxis axis.Name; Place = place } ]

/// Warns about an axis `dataset` whose values replace the settings beside the dataset's name.
let private reportReplaced (experiment: Experiment) (dimensions: Dimensions.Dimension list) : Problem list =
    let beside (experiment: Experiment) = { experiment.Dataset with Source = Named "" }
    let blank = beside ExperimentCodec.blank

    [ for axis in dimensions |> Seq.collect _.Axes do
          if axis.Sets((=) [ "dataset" ]) && beside experiment <> blank then
              match axis.Values |> Array.tryFind (fun value -> beside (value.Apply experiment) = blank) with
              | Some value -> { Diagnostic = DatasetReplaced; Place = Some value.Place }
              | None -> () ]

/// Warns about entries of `exclude` whose axes none of their variants depends on. Their points share their runs with points that remain.
let private reportIdleExclusions (where: PlaceFinder) (experiment: Experiment) (dimensions: Dimensions.Dimension list) excluded : Problem list =
    let axes = dimensions |> List.collect (fun dimension -> List.ofArray dimension.Axes)

    [ for entry: Exclusions.Exclusion in excluded do
          let variants =
              experiment.Variants |> List.filter (fun variant -> entry.Variants.IsEmpty || List.contains variant.Name entry.Variants)

          let isUsed path =
              let axis = axes |> List.find (fun axis -> axis.Name = path)
              isOfUnusedLosses experiment axis || variants |> List.exists (fun variant -> Axes.mayUse experiment variant axes axis)

          if not entry.Paths.IsEmpty && not (List.exists isUsed entry.Paths) then
              { Diagnostic = ExcludesNoRun entry.Paths; Place = where.Value [ "grid"; "exclude"; string entry.Index ] } ]

/// The sections of the file that are broken.
let private broken (reader: Reader) = [ "dataset"; "student"; "teacher" ] |> List.filter (fun section -> reader.IsSpoilt [ section ])

/// The plan of an experiment, and warnings. Problems go to the reader. If the reader already has problems, broken parts of the experiment
/// have default values; the result is None, but further problems are still reported.
let plan (reader: Reader) (where: PlaceFinder) (experiment: Experiment) : (Plan * Problem list) option =
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
            let number = axisTable.Axis axis.Name

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

            for section, problems in
                [ [ "points"; "published" ], placed.Contradictions
                  [ "variants" ], ScheduleChecks.nothingTrained where experiment axisTable drafts ] do
                for problem in problems do
                    problem.Place |> Option.iter (fun place -> reader.Report(section, place, problem.Diagnostic))

            if not reader.Problems.IsEmpty then
                None
            else
                let rows = Rows.make experiment axisTable drafts placed.OfDrafts

                Some(
                    { Experiment = experiment; Rows = rows; Runs = Drafts.distinct drafts rows; Literature = placed.Alone },
                    List.ofSeq warnings
                    @ reportReplaced experiment dimensions
                    @ reportIdleExclusions where experiment dimensions excluded
                    @ reportUnused where experiment dimensions rows
                    @ placed.Warnings
                    @ ScheduleChecks.warnings where experiment axisTable drafts
                )
