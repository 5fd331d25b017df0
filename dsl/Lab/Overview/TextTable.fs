/// Aligned tables for the terminal.
module ChannelDistillation.Lab.Overview.TextTable

open System

/// Formats rows of equal length as indented lines; each column is as wide as its widest cell.
/// <param name="right">Indices of right-aligned columns, from 0.</param>
let alignedWith (right: int list) (rows: string list list) =
    let widths = rows |> List.transpose |> List.map (List.map String.length >> List.max)

    let pad index (cell: string) (width: int) = if List.contains index right then cell.PadLeft width else cell.PadRight width

    let line row = String.Join("  ", List.mapi2 pad row widths).TrimEnd()
    rows |> List.map (fun row -> "  " + line row)

let aligned rows = alignedWith [] rows
