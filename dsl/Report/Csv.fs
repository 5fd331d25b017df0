/// results.csv: one line for each row of the table, a column for each axis; RFC 4180.
module ChannelDistillation.Dsl.Report.Csv

open System.Globalization

let private text (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

let private optional value = value |> Option.map text |> Option.defaultValue ""

let private quoted (cell: string) =
    if cell.IndexOfAny [| ','; '"'; '\n'; '\r' |] >= 0 then
        "\"" + cell.Replace("\"", "\"\"") + "\""
    else
        cell

let private statistic name (get: ResultRow -> Statistic) =
    [ name + "_mean", (fun row -> optional (get row).Mean)
      name + "_std", (fun row -> optional (get row).Std)
      name + "_values", (fun row -> (get row).Values |> List.map text |> String.concat ";") ]

/// The paths of all axes, in the order in which rows use them.
let axesOf (results: Results) = results.Rows |> List.collect _.Axes |> List.map fst |> List.distinct

let valueOf axis (row: ResultRow) = row.Axes |> List.tryPick (fun (path, value) -> if path = axis then Some value else None)

let render (results: Results) =
    let columns: (string * (ResultRow -> string)) list =
        [ "experiment", (fun _ -> results.Layout.Experiment)
          "variant", _.Variant
          for axis in axesOf results do
              axis, (fun row -> valueOf axis row |> Option.defaultValue "")
          "seeds", (fun row -> string row.Top1Error.Values.Length)
          "status", (fun row -> string row.Status)
          yield! statistic "top1_error" _.Top1Error
          yield! statistic "top5_error" _.Top5Error
          yield! statistic "best_top1_error" _.BestTop1Error
          yield! statistic "best_top5_error" _.BestTop5Error
          "published_top1_error", (fun row -> row.Published |> Option.bind _.Top1Error |> optional)
          "published_top5_error", (fun row -> row.Published |> Option.bind _.Top5Error |> optional) ]

    let line cells = (cells |> List.map quoted |> String.concat ",") + "\n"

    line (List.map fst columns)
    + (results.Rows |> List.map (fun row -> line [ for _, cell in columns -> cell row ]) |> String.concat "")
