namespace ChannelDistillation.Lab.Tables

open System
open System.Globalization
open ChannelDistillation.Dsl
open ChannelDistillation.Export

/// Further columns of the differences to a baseline.
[<RequireQualifiedAccess>]
type DifferenceColumn =
    /// The 95 % confidence interval of the mean difference.
    | Interval
    /// The p-value of Welch's t-test.
    | Welch
    /// The p-value of the paired test with Holm's correction over the rows of the table.
    | Holm

/// The row or rows to compare with: a variant, at the same point of the grid or at a given one.
type Baseline =
    {
        Variant: string
        /// Paths and values that select rows of the variant. Empty: for each row, the one at the same point.
        Point: (string * string) list
    }

    /// `kd`, `kd[kd.temperature=4]`.
    override this.ToString() =
        match this.Point with
        | [] -> this.Variant
        | point ->
            let values = [ for path, value in point -> $"{TableLayout.shortAxis path}={value}" ]
            $"""{this.Variant}[{String.Join(", ", values)}]"""

module Baseline =
    /// Splits at commas, but not within the lists and mappings of a value.
    let private parts (text: string) : string list =
        let depths =
            (0, text)
            ||> Seq.scan (fun depth letter ->
                match letter with
                | '['
                | '{' -> depth + 1
                | ']'
                | '}' -> depth - 1
                | _ -> depth)
            |> Array.ofSeq

        let commas =
            [ for index in 0 .. text.Length - 1 do
                  if text[index] = ',' && depths[index] = 0 then
                      index ]

        List.pairwise (-1 :: commas @ [ text.Length ])
        |> List.map (fun (before, after) -> text.Substring(before + 1, after - before - 1))
        |> List.filter (String.IsNullOrWhiteSpace >> not)

    /// Splits `kd[temperature=4, batch=64]` into the variant and the selected values.
    let split (text: string) : string * (string * string) list =
        match text.IndexOf '[' with
        | start when start > 0 && text.EndsWith ']' ->
            text.Substring(0, start),
            [ for part in parts (text.Substring(start + 1, text.Length - start - 2)) do
                  match part.IndexOf '=' with
                  | -1 -> part.Trim(), ""
                  | equals -> part.Substring(0, equals).Trim(), part.Substring(equals + 1).Trim() ]
        | _ -> text, []

    /// The values of a row that were selected, with the whole paths of their axes; None: another row. A path may be shortened to its last segments.
    let selected (wanted: (string * string) list) (axes: (string * string) list) : (string * string) list option =
        let isSame (a: string) (b: string) = a = b || (Numbers.tryParse a).IsSome && Numbers.tryParse a = Numbers.tryParse b

        let found =
            [ for name, value in List.distinct wanted do
                  match axes |> List.filter (fun (path, own) -> isSame own value && (path = name || path.EndsWith("." + name))) with
                  | [ only ] -> Some only
                  | _ -> None ]

        if List.forall Option.isSome found then Some(List.choose id found) else None

/// The options of a table.
type TableOptions =
    {
        /// Show accuracies instead of errors.
        Accuracy: bool
        Baseline: Baseline option
        /// Further columns; needs a baseline.
        Differences: DifferenceColumn list
        /// The axis whose values become columns.
        Pivot: string option
        /// The speed of the networks in ONNX Runtime, for further columns.
        Deployment: Deployment option
    }

    static member Default = { Accuracy = false; Baseline = None; Differences = []; Pivot = None; Deployment = None }

/// Formats numbers for tables.
module TableText =
    let private invariant = CultureInfo.InvariantCulture

    /// Shown for a missing value.
    let nothing = "–"

    let percent (value: float) = value.ToString("F2", invariant)

    /// `error` or `accuracy`.
    let measure (options: TableOptions) = if options.Accuracy then "accuracy" else "error"

    /// An error as error or accuracy.
    let value (options: TableOptions) (error: float) = if options.Accuracy then 100.0 - error else error

    let values (options: TableOptions) (errors: Statistic) : Statistic = { Values = errors.Values |> List.map (value options) }

    /// `12.34 ± 0.56`.
    let spread (statistic: Statistic) =
        match statistic.Mean, statistic.Std with
        | Some mean, Some std -> $"{percent mean} ± {percent std}"
        | Some mean, None -> percent mean
        | None, _ -> nothing

    /// With a sign, except for zero.
    let signed (value: float) =
        let text = percent (abs value)

        if text = "0.00" then "0.00"
        elif value > 0.0 then "+" + text
        else "−" + text

    let pValue (value: float) = if value < 0.001 then "p < 0.001" else "p = " + value.ToString("F3", invariant)

    /// `[−1.73, −0.73]`.
    let interval (low: float, high: float) = $"[{signed low}, {signed high}]"

    /// Marks a row whose model is larger than the others; the caption explains it.
    let larger = "†"

    /// `−1.23 ± 0.20 (p = 0.013)`.
    let difference (difference: Difference) =
        let values = difference.Values
        let spread = values.Std |> Option.map (fun std -> $" ± {percent std}") |> Option.defaultValue ""
        let test = difference.PValue |> Option.map (fun p -> $" ({pValue p})") |> Option.defaultValue ""
        (values.Mean |> Option.map signed |> Option.defaultValue nothing) + spread + test

    /// Three significant digits.
    let measured (value: float) =
        let digits =
            if value >= 99.95 then "F0"
            elif value >= 9.995 then "F1"
            else "F2"

        value.ToString(digits, invariant)

    /// Three digits: `11.2 M`.
    let count (number: int64) =
        let scaled, unit =
            if number >= 1_000_000_000L then float number / 1e9, " G"
            elif number >= 1_000_000L then float number / 1e6, " M"
            elif number >= 1_000L then float number / 1e3, " k"
            else float number, ""

        (if unit = "" then scaled.ToString("F0", invariant) else measured scaled) + unit

    /// `45 s`, `3.5 min`, `12.1 h`.
    let time (seconds: float) =
        if seconds < 99.5 then seconds.ToString("F0", invariant) + " s"
        elif seconds < 5970.0 then (seconds / 60.0).ToString("F1", invariant) + " min"
        else (seconds / 3600.0).ToString("F1", invariant) + " h"

    let joined values = String.Join(", ", values |> Seq.map string)

    /// `cd.weight 3, batch 64`.
    let point (axes: (string * string) list) = joined [ for path, value in axes -> $"{TableLayout.shortAxis path} {value}" ]
