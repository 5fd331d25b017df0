/// results.md: the tables with their caption.
module ChannelDistillation.Lab.Tables.Markdown

open System
open ChannelDistillation.Dsl

/// Escapes text for a table cell.
let private escaped (text: string) = (Comment.oneLine text).Replace("|", "\\|")

let private shown (cell: Cell) =
    let text = escaped cell.Text
    if cell.Best then $"**{text}**" else text

/// A table with aligned columns, so that the source is readable too.
let sheet (sheet: Sheet) =
    let rows = sheet.Rows |> List.map (List.map shown)
    let headings = sheet.Columns |> List.map (fun column -> escaped column.Heading)
    let widths = Array.ofList headings |> Array.map (fun heading -> max 3 heading.Length)

    for row in rows do
        row |> List.iteri (fun column text -> widths[column] <- max widths[column] text.Length)

    let widths = List.ofArray widths
    let pad column width (text: string) = if column.IsText then text.PadRight width else text.PadLeft width
    let line cells = "| " + String.Join(" | ", List.map3 pad sheet.Columns widths cells) + " |\n"
    let rule column width = if column.IsText then String('-', width + 2) else String('-', width + 1) + ":"
    let ruler = "|" + String.Join("|", List.map2 rule sheet.Columns widths) + "|\n"
    line headings + ruler + String.Join("", rows |> List.map line)

let private titled (part: Sheet) = if part.Title = "" then sheet part else $"**{part.Title}**\n\n{sheet part}"

let private sheetsOf (options: TableOptions) (results: Results) =
    match options.Pivot with
    | Some axis -> PivotSheets.ofResults options axis results
    | None -> Sheets.ofResults options results

/// The tables alone.
let tables (options: TableOptions) (results: Results) = String.Join("\n", sheetsOf options results |> List.map titled)

let render (options: TableOptions) (results: Results) =
    let layout = results.Layout

    let about =
        if String.IsNullOrWhiteSpace layout.Description then
            ""
        else
            layout.Description.Trim() + "\n\n"

    $"# {layout.Experiment}\n\n{about}{tables options results}\n" + String.Join("\n", Caption.lines options results) + "\n"

/// Two results side by side.
let compare (options: TableOptions) (first: string * Results) (second: string * Results) =
    let origins (name: string, results: Results) = $"{name}:" :: Caption.origins results |> String.concat "\n"
    $"{sheet (ComparisonSheet.ofResults options first second)}\n{Caption.test}\n\n{origins first}\n\n{origins second}\n"
