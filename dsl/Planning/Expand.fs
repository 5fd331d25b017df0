/// From an experiment to its rows and runs.
module ChannelDistillation.Dsl.Expand

let private reportUnused (where: Where) (dimensions: Dimensions.Dimension list) (rows: Row list) : Problem list =
    let used = rows |> Seq.collect (fun row -> Seq.map fst row.Axes) |> Seq.distinct |> Set.ofSeq

    [ for dimension in dimensions do
          for axis in dimension.Axes do
              if not (used.Contains axis.Path) then
                  let key = [ "grid"; "product"; axis.Path ]

                  let place = if (where.Node key).IsSome then where.Key key else Some axis.Values[0].Place

                  { Mistake = UnusedAxis axis.Path; Place = place } ]

/// The plan of an experiment whose parts are right in themselves, and warnings; problems go to the reader.
let plan (reader: Reader) (where: Where) (experiment: Experiment) : (Plan * Problem list) option =
    let before = reader.Problems.Length
    let isClean () = reader.Problems.Length = before
    let warnings = ResizeArray<Problem>()
    let dimensions = Dimensions.find reader where experiment
    let excluded = Dimensions.exclusions reader where experiment dimensions warnings
    let points = Dimensions.points dimensions

    if points > float GridCodec.pointLimit then
        reader.Report([ "grid" ], Option.get (where.Key [ "grid" ]), GridTooLarge(points, GridCodec.pointLimit))

    if not (isClean ()) then
        None
    else
        let checks = PointChecks(reader, where)
        let legend = Drafts.Legend()

        for dimension in dimensions do
            for axis in dimension.Axes do
                let number = legend.Axis axis.Path

                for value in axis.Values do
                    legend.Value(number, value) |> ignore

        let drafts =
            (experiment.Variants |> List.collect (Drafts.ofVariant legend checks experiment (Array.ofList dimensions) excluded))
            @ Drafts.included reader where legend checks experiment
            |> Drafts.merge experiment

        if drafts.IsEmpty && isClean () then
            reader.Report([ "grid" ], Option.get (where.Key [ "grid"; "exclude" ]), EverythingExcluded)

        if not (isClean ()) then
            None
        else
            let rows = Rows.make experiment legend drafts

            Some(
                { Experiment = experiment; Rows = rows; Runs = Drafts.distinct drafts rows },
                List.ofSeq warnings @ reportUnused where dimensions rows @ ScheduleChecks.warnings where experiment legend drafts
            )
