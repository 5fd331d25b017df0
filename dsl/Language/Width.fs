/// The width of text in terminal columns.
module ChannelDistillation.Dsl.Width

open System.Globalization
open System.Text

/// Blocks that Unicode calls wide or fullwidth (UAX 11): East Asian scripts and emoji.
let private wide =
    [ 0x1100, 0x115F
      0x2E80, 0x303E
      0x3041, 0x33FF
      0x3400, 0x4DBF
      0x4E00, 0x9FFF
      0xA000, 0xA4CF
      0xA960, 0xA97F
      0xAC00, 0xD7A3
      0xF900, 0xFAFF
      0xFE30, 0xFE6F
      0xFF00, 0xFF60
      0xFFE0, 0xFFE6
      0x1F300, 0x1F64F
      0x1F680, 0x1F6FF
      0x1F900, 0x1F9FF
      0x20000, 0x3FFFD ]

let private ofRune (rune: Rune) =
    match Rune.GetUnicodeCategory rune with
    | UnicodeCategory.NonSpacingMark
    | UnicodeCategory.EnclosingMark
    | UnicodeCategory.Format -> 0
    | _ when wide |> List.exists (fun (first, last) -> rune.Value >= first && rune.Value <= last) -> 2
    | _ -> 1

let columns (text: string) = text.EnumerateRunes() |> Seq.sumBy ofRune
