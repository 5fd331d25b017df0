/// `--pivot`: the values of one axis as columns, with the top-1 error in each.
module ChannelDistillation.Dsl.Report.PivotSheets

let private without axis (row: ResultRow) = row.Axes |> List.filter (fun (path, _) -> path <> axis)

let private ofPart options axis (point: (string * string) list, rows: ResultRow list, axes: string list) =
    let rows = rows |> List.filter (fun row -> row.Status <> PublishedOnly)
    let values = rows |> List.map (Sheets.valueOf axis) |> List.distinct
    // What does not depend on the axis has a column of its own, the first one.
    let columns = (if List.contains None values then [ None ] else []) @ List.filter Option.isSome values
    let lines = rows |> List.groupBy (fun row -> row.Variant, without axis row)
    let others = axes |> List.filter ((<>) axis)

    let valuesOf column =
        let at = lines |> List.map (fun (_, members) -> members |> List.tryFind (fun row -> Sheets.valueOf axis row = column))
        let shown = at |> List.map (Option.map (fun row -> Shown.values options row.Top1Error))

        let best =
            List.map2
                (fun row (statistic: Statistic option) ->
                    if row |> Option.exists (fun (row: ResultRow) -> row.IsTrained) then
                        statistic |> Option.bind _.Mean
                    else
                        None)
                at
                shown
            |> Sheet.bestOf options.Accuracy

        List.map3
            (fun row statistic best ->
                match row, statistic with
                | Some(row: ResultRow), Some(statistic: Statistic) when statistic.Mean.IsNone -> Sheet.cell (string row.Status)
                | _, Some statistic -> { Text = Shown.spread statistic; Best = best }
                | _ -> Sheet.cell "")
            at
            shown
            best

    let short = Layout.shortAxis axis

    { Title = Shown.point point
      Columns =
        [ Sheet.text "variant"
          for other in others do
              Sheet.number (Layout.shortAxis other)
          for column in columns do
              match column with
              | Some value -> Sheet.number $"{short} {value}"
              | None -> Sheet.number $"without {short}" ]
      Rows =
        List.transpose
            [ lines |> List.map (fun ((variant, _), _) -> Sheet.cell variant)
              for other in others do
                  lines |> List.map (fun (_, members) -> Sheets.valueOf other members.Head |> Option.defaultValue "" |> Sheet.cell)
              for column in columns do
                  valuesOf column ] }

let ofResults (options: TableOptions) (axis: string) (results: Results) : Sheet list = Sheets.parts [ axis ] results |> List.map (ofPart options axis)
