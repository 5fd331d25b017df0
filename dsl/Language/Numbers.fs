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

/// The shortest text that parses to the same number, without an exponent for whole numbers below 1e15.
let private plain (value: float) =
    if value = 0.0 then
        "0"
    else
        value.ToString("R", CultureInfo.InvariantCulture).Replace("E-0", "e-").Replace("E+", "e").Replace("E", "e")

/// The shortest text that parses to the same number: `0.0005`, `30000`, `1e-7`, `2.5e6`, `1e9`. From a million on, with an exponent where
/// that is shorter.
let show (value: float) =
    let text = plain value

    if abs value < 1e6 || not (Double.IsFinite value) || text.Contains 'e' then
        text
    else
        let size = text.TrimStart '-'
        let digits = size.Replace(".", "").TrimEnd '0'
        let exponent = (size + ".").IndexOf '.' - 1
        let mantissa = if digits.Length = 1 then digits else digits.Insert(1, ".")
        let scientific = (if value < 0.0 then "-" else "") + $"{mantissa}e{exponent}"
        if scientific.Length < text.Length then scientific else text

/// A number with at most so many significant digits.
let rounded (digits: int) (value: float) =
    show (Double.Parse(value.ToString($"G{digits}", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture))

let private rewritten whole (other: float -> string) (text: string) =
    match Int64.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) with
    | true, value -> whole value
    | _ ->
        match tryParse text with
        | Some value -> other value
        | None -> text

/// A number in its shortest form; other text unchanged.
let shortest (text: string) =
    // Not every whole number above 2^53 is a float.
    rewritten (fun whole -> if abs whole < (1L <<< 53) then show (float whole) else string whole) show text

/// A number as names of runs contain it, which never changes, because the names are those of folders: 1000000000, not 1e9.
let inNames (text: string) = rewritten string plain text
