/// Formatting of names, numbers and lists in messages.
module ChannelDistillation.Dsl.MessageFormat

open System

let code (text: string) =
    let text = if text.Length > 80 then text.Substring(0, 77) + "..." else text
    "`" + text.Replace("\n", " ").Replace("\t", " ") + "`"

let private join last (words: string list) =
    match List.rev words with
    | [] -> ""
    | [ one ] -> one
    | final :: others -> String.Join(", ", List.rev others) + $" {last} " + final

let listed (words: string list) = join "and" words
let codes (words: string list) = words |> List.map code |> join "and"
let either (words: string list) = words |> List.map code |> join "or"

/// `did you mean A or B?`; empty without candidates. `describe`: how to show a candidate.
let didYouMean (describe: string -> string) (near: string list) =
    match near with
    | [] -> ""
    | _ ->
        let joined = String.Join(" or ", List.map describe near)
        $"did you mean {joined}?"

/// Joins up to 30 words by commas, then adds how many more there are.
let known (words: string list) =
    let shown = words |> List.truncate 30

    let rest =
        if words.Length > shown.Length then
            $" and {words.Length - shown.Length} more"
        else
            ""

    String.Join(", ", shown) + rest

/// A dotted path without list positions.
let path (segments: string list) =
    String.Join(".", segments |> List.filter (fun segment -> segment = "" || not (Seq.forall Char.IsDigit segment)))

/// The mapping at a path, as the first words of a sentence.
let inside (segments: string list) =
    match segments with
    | [] -> "An experiment"
    | _ -> code (path segments)

let count (number: int) (thing: string) = if number = 1 then $"1 {thing}" else $"{number} {thing}s"

let large (number: float) =
    if number < 1e15 then
        number.ToString("N0", Globalization.CultureInfo.InvariantCulture)
    else
        number.ToString("0.#e0", Globalization.CultureInfo.InvariantCulture)

/// `greater than 0`, `between 0 and 1`.
let bounds (bounds: Bounds) =
    let show = Numbers.show

    let least =
        if bounds.AboveMinimum then
            $"greater than {show bounds.Minimum}"
        else
            $"{show bounds.Minimum} or more"

    let most =
        if bounds.BelowMaximum then
            $"less than {show bounds.Maximum}"
        else
            $"{show bounds.Maximum} or less"

    match Double.IsFinite bounds.Minimum, Double.IsFinite bounds.Maximum with
    | true, true when not bounds.AboveMinimum && not bounds.BelowMaximum -> $"between {show bounds.Minimum} and {show bounds.Maximum}"
    | true, true -> $"{least} and {most}"
    | true, false -> least
    | false, true -> most
    | false, false -> "finite"

/// The value that was found, in messages about a wrong type.
let found (kind: Kind) =
    match kind with
    | NothingThere -> "nothing"
    | PlainText text -> code text
    | QuotedText text -> $"the text {code text}"
    | ListThere -> "a list"
    | MappingThere -> "a mapping (`key: value`)"
