/// results.csv: one line for each row of the table, a column for each axis; RFC 4180.
module ChannelDistillation.Lab.Tables.Csv

open System
open System.Globalization
open System.Text.RegularExpressions
open ChannelDistillation.Dsl
open ChannelDistillation.Export

let private text (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

let private optional value = value |> Option.map text |> Option.defaultValue ""

/// Matches where a spreadsheet would start a cell, with any separator, whose content it would evaluate as a formula.
let private formula = Regex @"(^|[;\t\r\n])(?=[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])"

/// Escapes untrusted text: an apostrophe before a formula prevents its evaluation. Numbers are unchanged.
let private guarded (text: string) =
    match Double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture) with
    | true, _ -> text
    | _ -> formula.Replace(text, "$1'")

let private quoted (cell: string) =
    if cell.IndexOfAny [| ','; '"'; '\n'; '\r' |] >= 0 then
        "\"" + cell.Replace("\"", "\"\"") + "\""
    else
        cell

let private line cells = (cells |> List.map quoted |> String.concat ",") + "\n"

type private Column = string * (ResultRow -> string)

let private statistic options name (get: ResultRow -> Statistic) : Column list =
    let shown row = TableText.values options (get row)

    [ name + "_mean", (fun row -> optional (shown row).Mean)
      name + "_std", (fun row -> optional (shown row).Std)
      name + "_values", (fun row -> (shown row).Values |> List.map text |> String.concat ";") ]

/// The columns of the comparison with a baseline.
let private versus (options: TableOptions) (results: Results) : Column list =
    match options.Baseline with
    | None -> []
    | Some baseline ->
        let difference = Sheets.differenceTo options baseline results
        let corrected = List.zip results.Rows (Sheets.holmTo options baseline results results.Rows)
        let column name (get: Difference -> string) : Column = name, (fun row -> difference row |> Option.map get |> Option.defaultValue "")

        [ "baseline", (fun row -> if (difference row).IsSome then guarded (string baseline) else "")
          column "top1_difference_mean" (fun difference -> optional difference.Values.Mean)
          column "top1_difference_std" (fun difference -> optional difference.Values.Std)
          column "top1_difference_n" (fun difference -> string difference.Values.Values.Length)
          column "top1_difference_p" (fun difference -> optional difference.PValue)
          column "top1_difference_ci_low" (fun difference -> difference.Interval |> Option.map fst |> optional)
          column "top1_difference_ci_high" (fun difference -> difference.Interval |> Option.map snd |> optional)
          column "top1_difference_welch_p" (fun difference -> optional difference.WelchPValue)
          "top1_difference_holm_p",
          (fun row -> corrected |> List.pick (fun (other, p) -> if obj.ReferenceEquals(other, row) then Some(optional p) else None)) ]

let render (options: TableOptions) (results: Results) =
    let measure = TableText.measure options
    let literature get (row: ResultRow) = row.Published |> Option.bind get |> Option.map (TableText.value options) |> optional
    let cost get (row: ResultRow) = row.Cost |> Option.bind get |> Option.map string<int64> |> Option.defaultValue ""

    let columns: Column list =
        [ "experiment", (fun _ -> guarded results.Layout.Experiment)
          "variant", (_.Variant >> guarded)
          for axis in TableLayout.axes results.Layout do
              guarded axis, (Sheets.valueOf axis >> Option.defaultValue "" >> guarded)
          "seeds", (fun row -> string row.Top1Error.Values.Length)
          "status", (fun row -> string row.Status)
          yield! statistic options $"top1_{measure}" _.Top1Error
          yield! statistic options $"top5_{measure}" _.Top5Error
          yield! statistic options $"best_top1_{measure}" _.BestTop1Error
          yield! statistic options $"best_top5_{measure}" _.BestTop5Error
          $"published_top1_{measure}", literature _.Top1Error
          $"published_top5_{measure}", literature _.Top5Error
          "parameters", cost (_.Parameters >> Some)
          "macs", cost _.MultiplyAdds
          "seconds_mean", (fun row -> optional row.Seconds.Mean)
          for deployment in Option.toList options.Deployment do
              let measured (get: DeployCost -> string) = Deployed.costOf deployment >> Option.map get >> Option.defaultValue ""

              "onnx_bytes", measured (_.OnnxBytes >> string<int64>)
              "latency_ms", measured (_.LatencyMs >> text)
              "images_per_second", measured (_.ImagesPerSecond >> text)
          yield! versus options results ]

    line (List.map fst columns)
    + (results.Rows |> List.map (fun row -> line [ for _, cell in columns -> cell row ]) |> String.concat "")

/// A table as shown, without formatting.
let sheet (sheet: Sheet) =
    line (sheet.Columns |> List.map (_.Heading >> guarded))
    + (sheet.Rows |> List.map (List.map (_.Text >> guarded) >> line) |> String.concat "")
