namespace ChannelDistillation.Lab.Tables

/// The output formats of a table.
type TableFormat =
    | Md
    | Csv
    | Json
    | Latex

module TableFormat =
    let render format (options: TableOptions) (results: Results) =
        match format, options.Pivot with
        | Md, _ -> Markdown.render options results
        | Csv, None -> Csv.render options results
        | Csv, Some axis -> Csv.sheet (PivotSheets.whole options axis results)
        | Json, _ -> Json.render options results
        | Latex, _ -> Latex.render options results

    /// Two results side by side, each with its name.
    let compare format (options: TableOptions) (first: string * Results) (second: string * Results) =
        match format with
        | Md -> Markdown.compare options first second
        | Csv -> Csv.sheet (ComparisonSheet.ofResults options first second)
        | Json -> Json.compare options first second
        | Latex -> Latex.compare options first second
