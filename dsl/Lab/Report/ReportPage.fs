/// report.html: the results as one page that needs nothing but itself.
module ChannelDistillation.Lab.Report.ReportPage

open System
open System.IO
open System.Net
open System.Reflection
open System.Text.RegularExpressions
open ChannelDistillation.Lab.Tables

/// The scripts in the order in which they need one another.
let private scripts = [ "charts.js"; "tables.js"; "curves.js"; "schedule.js"; "grid.js"; "runs.js"; "main.js" ]

let private resource (name: string) =
    match Assembly.GetExecutingAssembly().GetManifestResourceStream("report/" + name) with
    | null -> invalidOp $"The resource report/{name} is not part of the program."
    | stream ->
        use reader = new StreamReader(stream)
        reader.ReadToEnd()

let private escaped (text: string) = string (WebUtility.HtmlEncode text)

/// `code` between backticks.
let private sentence (text: string) =
    text.Split '`'
    |> Array.mapi (fun index part -> if index % 2 = 1 then $"<code>{escaped part}</code>" else escaped part)
    |> String.concat ""

let private table (headings: (string * bool) list) (rows: string list) =
    let heading (text: string, isText: bool) =
        let kind = if isText then " class=\"text\"" else ""
        $"<th scope=\"col\" aria-sort=\"none\"{kind}><button type=\"button\">{escaped text}</button></th>"

    "<div class=\"scroll\"><table class=\"sortable\"><thead><tr>"
    + String.Join("", headings |> List.map heading)
    + "</tr></thead><tbody>\n"
    + String.Join("\n", rows)
    + "</tbody></table></div>\n"

let private cell (column: SheetColumn) (cell: Cell) =
    let kinds =
        [ if column.IsText then
              "text"
          if cell.Best then
              "best" ]

    let kind = if kinds.IsEmpty then "" else " class=\"" + String.Join(' ', kinds) + "\""
    $"<td{kind}>{escaped cell.Text}</td>"

let private sheet (sheet: Sheet) =
    let title = if sheet.Title = "" then "" else $"<h3>{escaped sheet.Title}</h3>\n"
    let row cells = "<tr>" + String.Join("", List.map2 cell sheet.Columns cells) + "</tr>"
    title + table (sheet.Columns |> List.map (fun column -> column.Heading, column.IsText)) (sheet.Rows |> List.map row)

let private runRow (run: RunDetail) =
    let result = run.Record.Result

    let errors choose =
        result
        |> Option.bind (fun (result: ChannelDistillation.Runs.RunResult) -> Option.ofObj (choose result))
        |> Option.map (fun (errors: ChannelDistillation.Runs.EpochErrors) -> Shown.percent errors.Top1Error)
        |> Option.defaultValue ""

    let seconds =
        match run.Record.Seconds with
        | Some seconds -> $"<td data-value=\"{seconds:F0}\">{Shown.time seconds}</td>"
        | None -> "<td></td>"

    let seed = run.Seed |> Option.map string |> Option.defaultValue ""

    $"<tr><td class=\"text\"><a href=\"#run={Uri.EscapeDataString run.Folder}\">{escaped run.Name}</a></td><td>{seed}</td>"
    + $"<td class=\"text\">{run.Status}</td><td>{run.Epochs.Length}</td><td>{errors _.Last}</td><td>{errors _.Best}</td>{seconds}</tr>"

let private runs (runs: RunDetail list) =
    table
        [ "run", true
          "seed", false
          "status", true
          "epochs", false
          "top-1 error", false
          "best top-1", false
          "time", false ]
        (List.map runRow runs)

let private paragraphs (lines: string list) = lines |> List.map (fun line -> $"<p>{sentence line}</p>") |> String.concat "\n"

let private thinned (details: RunDetail list) =
    match ReportData.stride details with
    | 1 -> ""
    | every -> $" Of so many runs, one epoch in {every} is drawn."

/// The whole file.
let render (options: TableOptions) (results: Results) (details: RunDetail list) : string =
    let layout = results.Layout

    let sheets =
        match options.Pivot with
        | Some axis -> PivotSheets.ofResults options axis results
        | None -> Sheets.ofResults options results

    let parts =
        dict
            [ "title", escaped layout.Experiment
              "about", escaped (layout.Description.Trim())
              "style", resource "report.css"
              "tables", sheets |> List.map sheet |> String.concat ""
              "notes", paragraphs (Caption.lines options results)
              "thinned", thinned details
              "runs", runs details
              "footer",
              escaped
                  $"Made by channel-distillation {Provenance.shortVersion ChannelDistillation.Core.Product.Version}. Charts: Apache ECharts (Apache License 2.0)."
              "licences", escaped (resource "ECHARTS-NOTICE" + "\n" + resource "ECHARTS-LICENSE")
              "data", ReportData.render results details
              "echarts", resource "echarts.min.js"
              "scripts", scripts |> List.map resource |> String.concat "\n" ]

    // One pass: what is put in is not looked through for names of parts.
    let template = resource "report.html"
    Regex.Replace(template, @"\{\{(\w+)\}\}", (fun (found: Match) -> parts[found.Groups[1].Value]))
