/// LaTeX tables with the package booktabs, ready for \input.
module ChannelDistillation.Lab.Tables.Latex

open System
open System.Text
open ChannelDistillation.Dsl

/// Escapes LaTeX special characters, and characters that older engines do not support.
let private character (letter: Rune) =
    match letter.ToString() with
    | "\\" -> "\\textbackslash{}"
    | "~" -> "\\textasciitilde{}"
    | "^" -> "\\textasciicircum{}"
    | "<" -> "\\textless{}"
    | ">" -> "\\textgreater{}"
    | "|" -> "\\textbar{}"
    | "“" -> "``"
    | "”"
    | "\"" -> "''"
    | "&"
    | "%"
    | "$"
    | "#"
    | "_"
    | "{"
    | "}" as special -> "\\" + special
    | "±" -> "$\\pm$"
    | "−" -> "$-$"
    | "–" -> "--"
    | "→" -> "$\\to$"
    | "†" -> "$\\dagger$"
    | _ when Rune.IsControl letter -> " "
    | other -> other

/// Quotation marks at the start of a word are opening ones.
let private opening = Text.RegularExpressions.Regex "(?<![^\\s(\\[])\""

let escaped (text: string) = opening.Replace(Comment.oneLine text, "“").EnumerateRunes() |> Seq.map character |> String.concat ""

/// `code` between backticks becomes typewriter.
let private sentence (text: string) =
    text.Split '`'
    |> Array.mapi (fun index part -> if index % 2 = 1 then $"\\texttt{{{escaped part}}}" else escaped part)
    |> String.concat ""

let private cell (cell: Cell) = if cell.Best then $"\\textbf{{{escaped cell.Text}}}" else escaped cell.Text

let private table (label: string) (caption: string list) (sheet: Sheet) =
    let columns = String.Join("", sheet.Columns |> List.map (fun column -> if column.IsText then "l" else "r"))
    let line (cells: string list) = "    " + String.Join(" & ", cells) + " \\\\\n"
    let title = if sheet.Title = "" then [] else [ sheet.Title + "." ]

    String.concat
        ""
        [ "\\begin{table}\n  \\centering\n"
          $"  \\caption{{{String.Join(' ', title @ caption |> List.map sentence)}}}\n"
          $"  \\label{{tab:{label}}}\n"
          // Shrinks wide tables to the text width, and never enlarges.
          "  \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
          $"  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n"
          line (sheet.Columns |> List.map (fun column -> escaped column.Heading))
          "    \\midrule\n"
          yield! sheet.Rows |> List.map (List.map cell >> line)
          "    \\bottomrule\n  \\end{tabular}}\n\\end{table}\n" ]

let private comment (lines: string list) = lines |> List.collect (Comment.lines "% ") |> List.map (fun line -> line + "\n") |> String.concat ""

/// A label without special characters.
let private labelOf (name: string) = name |> String.map (fun letter -> if Char.IsAsciiLetterOrDigit letter then letter else '-')

let private head = "% needs \\usepackage{booktabs,graphicx}\n"

/// The caption has what a reader needs; the provenance is in comments.
let render (options: TableOptions) (results: Results) =
    let layout = results.Layout
    let origins = Caption.origins results
    let caption = Caption.lines options results |> List.filter (fun line -> not (List.contains line origins))

    let sheets =
        match options.Pivot with
        | Some axis -> PivotSheets.ofResults options axis results
        | None -> Sheets.ofResults options results

    let label index = labelOf layout.Experiment + (if sheets.Length > 1 then $"-{index + 1}" else "")
    head + comment origins + String.Join("\n", sheets |> List.mapi (fun index sheet -> table (label index) caption sheet))

/// Two results side by side.
let compare (options: TableOptions) (first: string * Results) (second: string * Results) =
    let origins = [ first; second ] |> List.collect (fun (name, results) -> $"{name}:" :: Caption.origins results)
    head + comment origins + table "comparison" [ Caption.test ] (ComparisonSheet.ofResults options first second)
