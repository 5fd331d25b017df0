/// Durations in the formats of sbatch's `--time`.
module ChannelDistillation.Dsl.Codecs.SlurmTime

open System.Text.RegularExpressions

type Misread =
    /// Two numbers with a colon between them: as hours and minutes, and as Slurm reads it, minutes and seconds.
    | TwoParts of hours: string * minutes: string
    | Unreadable

let private form =
    Regex(
        @"\A(?:(?<minutes>\d{1,8})|(?<hours>\d{1,5}):(?<minutes>[0-5]\d):(?<seconds>[0-5]\d)"
        + @"|(?<days>\d{1,4})-(?<hours>\d{1,2})(?::(?<minutes>[0-5]\d)(?::(?<seconds>[0-5]\d))?)?)\z",
        RegexOptions.CultureInvariant
    )

let private twoParts = Regex(@"\A(\d{1,5}):([0-5]\d)\z", RegexOptions.CultureInvariant)

/// Parses minutes, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes` or `days-hours:minutes:seconds` to seconds. `minutes:seconds`,
/// which Slurm accepts, is an error, because nearly everybody who writes it means hours and minutes.
let tryParse (text: string) : Result<int64, Misread> =
    let found = form.Match text
    let part (name: string) = if found.Groups[name].Success then int64 found.Groups[name].Value else 0L

    if found.Success then
        Ok(((part "days" * 24L + part "hours") * 60L + part "minutes") * 60L + part "seconds")
    else
        let two = twoParts.Match text

        if two.Success then
            let first, second = two.Groups[1].Value, two.Groups[2].Value
            let minutes = int first
            Error(TwoParts($"{first}:{second}:00", $"{minutes / 60}:{minutes % 60:D2}:{second}"))
        else
            Error Unreadable
