/// What people are told of jobs.
module ChannelDistillation.Lab.Slurm.SubmissionText

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning

let private queued (work: Work) =
    match work.Queued.Length with
    | 0 -> []
    | 1 -> [ "1 run is waiting or training already, with the settings that it was submitted with." ]
    | runs -> [ $"{runs} runs are waiting or training already, with the settings that they were submitted with." ]

let private array (jobs: (JobKind * string) list) (elements: int) =
    let job kind = jobs |> List.tryFind (fst >> (=) kind) |> Option.map snd
    let first = job Teachers |> Option.map (fun job -> $", after job {job} for the teachers") |> Option.defaultValue ""
    let last = job Tables |> Option.map (fun job -> $"; then job {job} writes the tables") |> Option.defaultValue ""
    let train = job Train |> Option.defaultValue ""
    $"""Submitted {Words.count elements "cohort"} as job array {train}{first}{last}."""

/// What was submitted, and what was there already. `shown` gives paths as one would type them.
let submitted (shown: string -> string) (work: Work) (arrays: Submitting.Submitted list) : string list =
    [ yield! queued work

      for submitted in arrays do
          array submitted.Jobs submitted.Elements
          $"Scripts and logs: {shown submitted.Submission.Folder}" ]

/// What was taken from the queue.
let cancelled (experiment: string) (entries: QueueEntry list) : string =
    if entries.IsEmpty then
        $"Nothing of {experiment} is queued."
    else
        let jobs = entries |> List.distinctBy _.Job |> List.length
        let cohorts = entries |> List.filter (fun entry -> entry.Kind = Train) |> List.length

        $"""Cancelled {Words.count jobs "job"} with {Words.count cohorts "cohort"}. """
        + "Runs that were being trained save their state; the same sweep goes on from there."

/// What would be submitted now, with the script of the array.
let planned (script: Script.Program) (settings: SlurmSettings) (experimentFolder: string) (work: Work) : string list =
    let elements = work.Cohorts.Length

    [ ""
      yield! queued work
      if elements = 0 then
          "Slurm: nothing to submit."
      else
          let teachers = if work.TeachersFirst then "a job for the teachers, then " else ""

          $"""Slurm: sweep submits {teachers}an array of {Words.count elements "element"} for {Words.count work.Runs "run"}, then a job that writes the tables."""

          "The array's script:"
          ""
          (Script.render script settings (Submission.at experimentFolder "ID") Train elements).TrimEnd '\n' ]
