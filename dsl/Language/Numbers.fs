/// Numbers in the notation of experiments, independent of the machine's culture.
module ChannelDistillation.Dsl.Numbers

open System
open System.Globalization

let private style = NumberStyles.AllowLeadingSign ||| NumberStyles.AllowDecimalPoint ||| NumberStyles.AllowExponent

/// Parses a finite number: `6`, `0.1`, `.5`, `1e-4`. A nonzero number that rounds to 0 is rejected.
let tryParse (text: string) =
    match Double.TryParse(text, style, CultureInfo.InvariantCulture) with
    | true, value when Double.IsFinite value && text.IndexOfAny [| 'I'; 'N'; 'i'; 'n' |] < 0 ->
        let mantissa = text.Split('e', 'E')[0]

        if value = 0.0 && mantissa.IndexOfAny [| '1' .. '9' |] >= 0 then
            None
        else
            Some value
    | _ -> None

/// Parses a whole number, also in the notation `1e3` or `2.0`.
let tryWhole (text: string) =
    match Int64.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
    | true, value -> Some value
    | _ ->
        match tryParse text with
        | Some value when value = Math.Floor value && abs value < 9007199254740992.0 -> Some(int64 value)
        | _ -> None

/// The shortest text that parses to the same number: `0.0005`, `1e-7`.
let show (value: float) =
    if value = 0.0 then
        "0"
    else
        value.ToString("R", CultureInfo.InvariantCulture).Replace("E-0", "e-").Replace("E+", "e").Replace("E", "e")

/// A number in its shortest form; other text unchanged.
let shortest (text: string) =
    match Int64.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
    | true, value -> value.ToString CultureInfo.InvariantCulture
    | _ ->
        match tryParse text with
        | Some value -> show value
        | None -> text
