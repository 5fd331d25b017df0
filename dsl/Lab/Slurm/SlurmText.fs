/// Messages about jobs.
module ChannelDistillation.Lab.Slurm.SlurmText

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning

let private queued (work: Work) =
    match work.Queued.Length with
    | 0 -> []
    | 1 -> [ "1 run is already queued or training, with the settings it was submitted with." ]
    | runs -> [ $"{runs} runs are already queued or training, with the settings they were submitted with." ]

let private array (jobs: (JobKind * string) list) (elements: int) =
    let job kind = jobs |> List.tryFind (fst >> (=) kind) |> Option.map snd
    let first = job Teachers |> Option.map (fun job -> $", after job {job} for the teachers") |> Option.defaultValue ""
    let last = job Tables |> Option.map (fun job -> $"; then job {job} writes the tables") |> Option.defaultValue ""
    let train = job Train |> Option.defaultValue ""
    $"""Submitted {MessageFormat.count elements "cohort"} as job array {train}{first}{last}."""

/// What was submitted, and what was already queued. `shown` shortens paths.
let submitted (shown: string -> string) (work: Work) (arrays: Submitting.Submitted list) : string list =
    [ yield! queued work

      for submitted in arrays do
          match submitted.Jobs with
          | [ Tables, job ] -> $"The queued runs had no job for the tables: submitted job {job}, which writes them."
          | jobs -> array jobs submitted.Elements

          $"Scripts and logs: {shown submitted.Submission.Folder}" ]

/// What was cancelled.
let cancelled (experiment: string) (entries: QueueEntry list) : string =
    if entries.IsEmpty then
        $"No job of {experiment} is queued."
    else
        let jobs = entries |> List.distinctBy _.Job |> List.length
        let cohorts = entries |> List.filter (fun entry -> entry.Kind = Train) |> List.length

        $"""Cancelled {MessageFormat.count jobs "job"} with {MessageFormat.count cohorts "cohort"}. """
        + "Runs in training save their state; the same sweep resumes them."

/// What would be submitted now, including the script of the array.
let planned (script: Script.Program) (settings: SlurmSettings) (experimentFolder: string) (work: Work) : string list =
    let sizes = Submitting.arrays work |> List.map List.length

    let arrays =
        match sizes with
        | [ one ] -> $"""an array of {MessageFormat.count one "element"}"""
        | several -> $"""{several.Length} arrays of {String.concat " + " (List.map string several)} elements"""

    [ ""
      yield! queued work
      if sizes.IsEmpty then
          "Slurm: nothing to submit."
      else
          let teachers = if work.TeachersFirst then "a job for the teachers, then " else ""

          $"""Slurm: sweep submits {teachers}{arrays} for {MessageFormat.count work.Runs "run"}, then a job that writes the tables."""

          if sizes.Length = 1 then "The array's script:" else "The first array's script:"
          ""
          (Script.render script settings (Submission.at experimentFolder "ID") Train sizes.Head).TrimEnd '\n' ]
