/// `--pivot`: the values of one axis as columns, with the top-1 error in each.
module ChannelDistillation.Lab.Tables.PivotSheets

let private without axis (row: ResultRow) = row.Axes |> List.filter (fun (path, _) -> path <> axis)

let private ofPart options axis (point: (string * string) list, rows: ResultRow list, axes: string list) =
    let rows = rows |> List.filter (fun row -> row.Status <> PublishedOnly)
    let values = rows |> List.map (Sheets.valueOf axis) |> List.distinct
    // Rows without the axis share the first column.
    let columns = (if List.contains None values then [ None ] else []) @ List.filter Option.isSome values
    let lines = rows |> List.groupBy (fun row -> row.Variant, without axis row)
    let others = axes |> List.filter ((<>) axis)

    let at column = lines |> List.map (fun (_, members) -> members |> List.tryFind (fun row -> Sheets.valueOf axis row = column))

    let contender row =
        row
        |> Option.filter (fun (row: ResultRow) -> row.IsTrained)
        |> Option.map (fun row -> row.IsComplete, TableText.values options row.Top1Error)

    // The best cell is marked per column. If some rows lack the axis, it is marked among all cells.
    let contests =
        if List.contains None columns then
            [ columns ]
        else
            List.map List.singleton columns

    let best =
        [ for contest in contests do
              let cells = contest |> List.map at
              let marks = cells |> List.concat |> List.map contender |> Sheet.bestOf options.Accuracy
              yield! List.zip contest (List.chunkBySize lines.Length marks) ]

    let valuesOf (column, best: bool list) =
        List.map2
            (fun row isBest ->
                match row with
                | Some(row: ResultRow) when row.Top1Error.Mean.IsNone -> Sheet.cell (string row.Status)
                | Some row -> { Text = TableText.spread (TableText.values options row.Top1Error); Best = isBest }
                | None -> Sheet.cell "")
            (at column)
            best

    let short = TableLayout.shortAxis axis

    { Title = TableText.point point
      Columns =
        [ Sheet.text "variant"
          for other in others do
              Sheet.number (TableLayout.shortAxis other)
          for column in columns do
              match column with
              | Some value -> Sheet.number $"{short} {value}"
              | None -> Sheet.number $"without {short}" ]
      Rows =
        List.transpose
            [ lines |> List.map (fun (_, members) -> Sheet.cell (Sheets.nameOf members.Head))
              for other in others do
                  lines |> List.map (fun (_, members) -> Sheets.valueOf other members.Head |> Option.defaultValue "" |> Sheet.cell)
              for column in best do
                  valuesOf column ] }

/// All points in one table: the axes that otherwise split it become columns.
let whole (options: TableOptions) (axis: string) (results: Results) : Sheet = ofPart options axis ([], results.Rows, Results.axes results)

let ofResults (options: TableOptions) (axis: string) (results: Results) : Sheet list = Sheets.parts [ axis ] results |> List.map (ofPart options axis)
