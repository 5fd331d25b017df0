/// Builds the tables of an experiment, with one row for each variant at each point of the grid.
module ChannelDistillation.Lab.Tables.Sheets

open ChannelDistillation.Dsl
open ChannelDistillation.Export

let valueOf axis (row: ResultRow) = row.Axes |> List.tryPick (fun (path, value) -> if path = axis then Some value else None)

/// Splits the rows by the axes that every trained row depends on, except the given ones. Each part has its point, the rows that match it, and the
/// axes that remain columns. If the parts would have a single trained row each, there is one part.
let parts (except: string list) (results: Results) : ((string * string) list * ResultRow list * string list) list =
    let trained, others = results.Rows |> List.partition _.IsTrained
    let axes = Results.axes results
    let isCommon axis = trained |> List.forall (fun row -> (valueOf axis row).IsSome)
    let splitting, left = axes |> List.partition (fun axis -> not (List.contains axis except) && isCommon axis)
    let pointOf (row: ResultRow) = row.Axes |> List.filter (fun (path, _) -> List.contains path splitting)
    let points = trained |> List.groupBy pointOf

    if points.Length < 2 || 2 * points.Length > trained.Length then
        [ [], results.Rows, axes ]
    else
        let teachers, literature = others |> List.partition _.IsTeacher

        [ for point, own in points ->
              let agreeing = List.filter (fun (row: ResultRow) -> TableLayout.agree row.Axes point)
              point, agreeing teachers @ own @ agreeing literature, left ]

/// The trained rows that a baseline names.
let baselineRows (baseline: Baseline) (results: Results) : ResultRow list =
    results.Rows
    |> List.filter (fun row ->
        row.IsTrained
        && row.Variant = baseline.Variant
        && baseline.Point |> List.forall (fun (path, value) -> valueOf path row = Some value))

/// The rows of a baseline that a row can be compared with: a single one at a given point, or those at the row's own point.
let partners (baseline: Baseline) (results: Results) (row: ResultRow) : ResultRow list =
    match baselineRows baseline results with
    | [ only ] when not baseline.Point.IsEmpty -> [ only ]
    | own -> own |> List.filter (fun other -> TableLayout.agree other.Axes row.Axes)

/// Pairs of seed and top-1 error or accuracy.
let bySeed (options: TableOptions) (row: ResultRow) =
    if row.Seeds.Length = row.Top1Error.Values.Length then
        List.zip row.Seeds (TableText.values options row.Top1Error).Values
    else
        []

/// The difference of a row to the baseline. None: no row of the baseline matches, several do, or the row is the baseline.
let differenceTo (options: TableOptions) (baseline: Baseline) (results: Results) (row: ResultRow) =
    match row.IsTrained, partners baseline results row with
    | true, [ only ] when not (obj.ReferenceEquals(only, row)) -> Difference.between (bySeed options row) (bySeed options only)
    | _ -> None

/// The p-values of the paired tests of these rows with Holm's correction.
let holmTo (options: TableOptions) (baseline: Baseline) (results: Results) (rows: ResultRow list) : float option list =
    rows |> List.map (differenceTo options baseline results >> Option.bind _.PValue) |> Difference.holm

let seedsCell (row: ResultRow) =
    let trained = row.Top1Error.Values.Length

    match row.Status with
    | Completed when row.IsTeacher -> ""
    | Completed -> string trained
    | Partial -> $"{trained} of {row.Planned}"
    | status -> string status

let private measured (options: TableOptions) heading (get: ResultRow -> Statistic) (rows: ResultRow list) =
    let statistics = rows |> List.map (get >> TableText.values options)

    let candidates =
        List.map2 (fun (row: ResultRow) statistic -> if row.IsTrained then Some(row.IsComplete, statistic) else None) rows statistics

    Sheet.number heading,
    List.map2 (fun statistic best -> { Text = TableText.spread statistic; Best = best }) statistics (Sheet.bestOf options.Accuracy candidates)

let nameOf (row: ResultRow) = if row.Assisted then row.Variant + TableText.larger else row.Variant

let private pCell (p: float option) = p |> Option.map TableText.pValue |> Option.defaultValue "" |> Sheet.cell

/// A further column of the differences to a baseline.
let private differences (options: TableOptions) (baseline: Baseline) results (column: DifferenceColumn) (rows: ResultRow list) =
    let ofEach get = rows |> List.map (differenceTo options baseline results >> Option.bind get)

    match column with
    | DifferenceColumn.Interval ->
        Sheet.number "95 % CI", ofEach _.Interval |> List.map (Option.map TableText.interval >> Option.defaultValue "" >> Sheet.cell)
    | DifferenceColumn.Welch -> Sheet.number "Welch", ofEach _.WelchPValue |> List.map pCell
    | DifferenceColumn.Holm -> Sheet.number "Holm", holmTo options baseline results rows |> List.map pCell

let private plain column show (rows: ResultRow list) = column, rows |> List.map (show >> Sheet.cell)

/// The column of published numbers; without top-5 if no published row has one.
let private published (options: TableOptions) (all: ResultRow list) =
    let one value = value |> Option.map (TableText.value options >> TableText.percent) |> Option.defaultValue TableText.nothing
    let column heading show = Some(plain (Sheet.number heading) (fun row -> row.Published |> Option.map show |> Option.defaultValue ""))

    match all |> List.choose _.Published with
    | [] -> None
    | rows when rows |> List.forall _.Top5Error.IsNone -> column "published top-1" (fun row -> one row.Top1Error)
    | _ -> column "published top-1 / top-5" (fun row -> $"{one row.Top1Error} / {one row.Top5Error}")

let private isOneCost (results: Results) = (results.Rows |> List.filter _.IsTrained |> List.choose _.Cost |> List.distinct).Length <= 1

/// The tables, one for each part.
let ofResults (options: TableOptions) (results: Results) : Sheet list =
    let measure = TableText.measure options
    let publishedOf = published options results.Rows
    let isOneCost = isOneCost results
    let isTimed = results.Rows |> List.exists (fun row -> row.Seconds.Mean.IsSome)

    [ for point, rows, axes in parts [] results ->
          let columns =
              [ plain (Sheet.text "variant") nameOf
                for axis in axes do
                    plain (Sheet.number (TableLayout.shortAxis axis)) (valueOf axis >> Option.defaultValue "")
                measured options $"top-1 {measure}" _.Top1Error
                measured options $"top-5 {measure}" _.Top5Error

                fun rows ->
                    let column, cells = measured options "best top-1" _.BestTop1Error rows
                    column, List.map2 (fun (row: ResultRow) cell -> if row.IsTeacher then Sheet.cell "" else cell) rows cells
                plain (Sheet.number "seeds") seedsCell
                for baseline in Option.toList options.Baseline do
                    let isBaseline (row: ResultRow) = baselineRows baseline results |> List.exists (fun own -> obj.ReferenceEquals(own, row))

                    plain (Sheet.number $"top-1 vs {baseline}") (fun row ->
                        match differenceTo options baseline results row with
                        | Some difference -> TableText.difference difference
                        | None -> if isBaseline row then "baseline" else "")

                    yield! options.Differences |> List.map (differences options baseline results)
                if not isOneCost || options.Deployment.IsSome then
                    let ofCost get = fun (row: ResultRow) -> row.Cost |> Option.bind get |> Option.map TableText.count |> Option.defaultValue ""
                    plain (Sheet.number "parameters") (ofCost (_.Parameters >> Some))
                    plain (Sheet.number "MACs") (ofCost _.MultiplyAdds)
                for deployment in Option.toList options.Deployment do
                    let measured (show: DeployCost -> string) = Deployed.costOf deployment >> Option.map show >> Option.defaultValue ""

                    plain (Sheet.number "ONNX size") (measured (fun cost -> TableText.measured (float cost.OnnxBytes / 1e6) + " MB"))
                    plain (Sheet.number "latency") (measured (fun cost -> TableText.measured cost.LatencyMs + " ms"))
                    plain (Sheet.number "images/s") (measured (_.ImagesPerSecond >> TableText.measured))
                if isTimed then
                    plain (Sheet.number "time") (fun row -> row.Seconds.Mean |> Option.map TableText.time |> Option.defaultValue "")
                yield! Option.toList publishedOf ]
              |> List.map (fun make -> make rows)

          { Title = TableText.point point
            Columns = columns |> List.map fst
            Rows = columns |> List.map snd |> List.transpose } ]
