/// Names of runs, which are readable and valid as file names.
module ChannelDistillation.Dsl.Planning.Names

open System
open ChannelDistillation.Dsl

let private longestValue = 32
let private longestRow = 160

/// Any text as part of a file name, of any length.
let private letters (text: string) =
    let letters = text |> String.map (fun c -> if Char.IsAsciiLetterOrDigit c || "+-_.,=".Contains c then c else '_')
    String.Join("_", letters.Split('_', StringSplitOptions.RemoveEmptyEntries))

/// A path or a value of an axis as part of a file name.
let safe (text: string) =
    let letters = letters text

    if letters.Length > longestValue then
        letters.Substring(0, longestValue)
    else
        letters

/// A variant as the start of a file name. It is not shortened, since variants may differ only in their last letter.
let ofVariant (name: string) =
    match letters name with
    | "" -> "variant"
    | letters -> letters

let rec private brief (setting: Setting) =
    match setting with
    | Scalar text -> Numbers.inNames text
    | Items items -> String.Join(",", List.map brief items)
    | Entries entries -> String.Join(",", [ for key, value in entries -> $"{key}={brief value}" ])

/// The shortest unique ending of a path; at least two segments below `losses`.
let shortest (segments: string list) (others: string list list) =
    let own =
        match segments with
        | "variants" :: _ :: rest when not rest.IsEmpty -> rest
        | _ -> segments

    let ending count (path: string list) = List.skip (max 0 (path.Length - count)) path
    let least = if List.head segments = "losses" then 2 else 1

    let count =
        seq { least .. own.Length }
        |> Seq.tryFind (fun count -> others |> List.forall (fun other -> ending count other <> ending count own))

    match count with
    | Some count -> String.Join(".", ending count own)
    | None -> String.Join(".", segments)

/// The values of an axis as they appear in names; distinct even if long values are cut.
let values (settings: Setting[]) : string[] =
    let shown = settings |> Array.map (brief >> safe)

    if (Array.distinct shown).Length = shown.Length then
        shown
    else
        shown |> Array.mapi (fun index text -> $"{text}.{index + 1}")

/// A row's name, cut to leave room for seed and hash in a folder name, which file systems limit to 255 bytes. The hash distinguishes
/// runs, and finds runs whose folder has another name.
let shortened (row: string) = row.Substring(0, min row.Length longestRow)

/// A value of an axis: `cd.weight=3`.
let setting (key: string) (value: string) = $"{safe key}={value}"

/// The name of a run: its row and its seed.
let ofSeed (row: string) (seed: int64) = $"{row}-seed{seed}"

/// Makes file names unique, also on case-insensitive file systems: the first is unchanged, later ones get a number.
type Unique() =
    let taken = System.Collections.Generic.HashSet<string> StringComparer.OrdinalIgnoreCase

    // The next number of a name: thousands of rows may share one.
    let next = System.Collections.Generic.Dictionary<string, int> StringComparer.OrdinalIgnoreCase

    member _.Name(name: string) =
        if taken.Add name then
            name
        else
            let mutable number = 2
            next.TryGetValue(name, &number) |> ignore
            number <- max 2 number

            while not (taken.Add $"{name}.{number}") do
                number <- number + 1

            next[name] <- number + 1
            $"{name}.{number}"
