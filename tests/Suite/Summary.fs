/// The summary of the suite.
module ChannelDistillation.Tests.Suite.Summary

open System
open ChannelDistillation.Tests.Suite.TestMessages

let private slowest = 10

/// Faster tests are not listed.
let private noticeable = 1.0

let private time (time: TimeSpan) =
    if time.TotalMinutes < 1.0 then
        $"{time.TotalSeconds:F1} s"
    else
        $"{int time.TotalMinutes} min {time.Seconds} s"

let private count verdict (results: Result list) = results |> List.filter (fun result -> result.Verdict = verdict) |> List.length

/// The lines of the summary. The last one is always `N passed, N failed, N skipped`.
/// <param name="took">The time from the start of the first test to the end of the last one, and the CPU time of all processes if known.</param>
let lines (results: Result list) (took: TimeSpan) (processorTime: TimeSpan option) : string list =
    [ for reason, skipped in results |> List.filter (fun result -> result.Verdict = Verdict.Skipped) |> List.groupBy _.Text do
          $"Skipped, because {reason}:"

          for test in skipped do
              $"  {test.Name}"

      let slow =
          results
          |> List.filter (fun result -> result.Seconds >= noticeable)
          |> List.sortByDescending _.Seconds
          |> List.truncate slowest

      if not slow.IsEmpty then
          "Slowest:"

          for test in slow do
              $"  {test.Seconds, 6:F1} s  {test.Name}"

      match processorTime with
      | Some cpuTime -> $"Took {time took}; CPU time {time cpuTime}."
      | None -> $"Took {time took}."

      if results.IsEmpty then
          "No test was run."

      $"{count Verdict.Passed results} passed, {count Verdict.Failed results} failed, {count Verdict.Skipped results} skipped" ]

/// The exit code. 0: at least one test was run, and all passed.
let exitCode (results: Result list) : int =
    if count Verdict.Failed results = 0 && count Verdict.Passed results > 0 then
        0
    else
        1
