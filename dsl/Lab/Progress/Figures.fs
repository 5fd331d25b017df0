/// Formats numbers for progress.
module ChannelDistillation.Lab.Progress.Figures

open System
open System.Globalization
open ChannelDistillation.Runs
open ChannelDistillation.Dsl

let private invariant = CultureInfo.InvariantCulture

/// `4 s`, `2 min 05 s`, `3 h 20 min`, `2 d 04 h`.
let duration (time: TimeSpan) =
    let seconds = max 0L (int64 (Math.Round time.TotalSeconds))

    if seconds < 60L then $"{seconds} s"
    elif seconds < 3600L then $"{seconds / 60L} min {seconds % 60L:D2} s"
    elif seconds < 86400L then $"{seconds / 3600L} h {seconds / 60L % 60L:D2} min"
    else $"{seconds / 86400L} d {seconds / 3600L % 24L:D2} h"

let rate (imagesPerSecond: float) = imagesPerSecond.ToString((if imagesPerSecond < 10.0 then "F1" else "F0"), invariant) + " images/s"

let percent (value: float) = value.ToString("F2", invariant) + " %"

let loss (value: float) = Numbers.rounded 4 value

/// The total, then each loss before weighting: `2.153 (ce 1.204, cd 0.158)`.
let losses (record: EpochRecord) =
    let parts = String.Join(", ", record.Losses |> Seq.map (fun entry -> $"{entry.Key} {loss entry.Value}"))

    if record.Losses.Count = 0 then
        loss record.Loss
    else
        $"{loss record.Loss} ({parts})"

/// A bar on a terminal, in Spectre's markup.
let bar (fraction: float) =
    let width = 30
    let full = int (Math.Round(fraction * float width))
    "[green]" + String('━', full) + "[/][grey]" + String('━', width - full) + "[/]"
