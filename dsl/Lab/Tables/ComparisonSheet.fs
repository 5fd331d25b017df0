/// `table A B`: two results side by side, row by row.
module ChannelDistillation.Lab.Tables.ComparisonSheet

/// Rows match if they have the same variant at the same point of the grid, in any order of axes.
let private keyOf (row: ResultRow) = row.Variant, List.sort row.Axes

/// B minus A: over the common seeds if there are any, else of the means.
let private difference options (a: ResultRow) (b: ResultRow) =
    match Difference.between (Sheets.bySeed options b) (Sheets.bySeed options a) with
    | Some difference when a.IsTrained -> TableText.difference difference
    | _ ->
        match (TableText.values options a.Top1Error).Mean, (TableText.values options b.Top1Error).Mean with
        | Some own, Some other -> TableText.signed (other - own)
        | _ -> ""

let private statistic options get (row: ResultRow option) =
    match row with
    | Some row when (get row: Statistic).Mean.IsSome -> TableText.spread (TableText.values options (get row))
    | Some row -> string row.Status
    | None -> TableText.nothing

/// Each result has the name that its columns show.
let ofResults (options: TableOptions) (first: string * Results) (second: string * Results) : Sheet =
    let (nameA, a), (nameB, b) = first, second
    let rowsOf (results: Results) = results.Rows |> List.filter (fun row -> row.Status <> PublishedOnly)
    let byKey results = rowsOf results |> List.map (fun row -> keyOf row, row) |> dict
    let ofA, ofB = byKey a, byKey b

    let find (rows: System.Collections.Generic.IDictionary<_, ResultRow>) key =
        match rows.TryGetValue key with
        | true, row -> Some row
        | _ -> None

    let rows = rowsOf a @ (rowsOf b |> List.filter (fun row -> not (ofA.ContainsKey(keyOf row))))
    let axes = a.Rows @ b.Rows |> Seq.map _.Axes |> TableLayout.varying
    let measure = TableText.measure options

    { Title = ""
      Columns =
        [ Sheet.text "variant"
          for axis in axes do
              Sheet.number (TableLayout.shortAxis axis)
          for name in [ nameA; nameB ] do
              Sheet.number $"top-1 {measure}, {name}"
          Sheet.number $"{nameB} less {nameA}"
          Sheet.number "seeds" ]
      Rows =
        [ for row in rows do
              let ofA, ofB = find ofA (keyOf row), find ofB (keyOf row)

              let count (row: ResultRow option) =
                  row |> Option.map (fun row -> string row.Top1Error.Values.Length) |> Option.defaultValue TableText.nothing

              List.map
                  Sheet.cell
                  [ Sheets.nameOf row
                    for axis in axes do
                        Sheets.valueOf axis row |> Option.defaultValue ""
                    statistic options _.Top1Error ofA
                    statistic options _.Top1Error ofB
                    match ofA, ofB with
                    | Some a, Some b -> difference options a b
                    | _ -> ""
                    if row.IsTeacher then "" else $"{count ofA} / {count ofB}" ] ] }
