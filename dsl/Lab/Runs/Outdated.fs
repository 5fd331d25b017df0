/// Completed runs that the present code, images or teachers would train differently.
module ChannelDistillation.Lab.Runs.Outdated

open System
open System.Collections.Generic
open System.Globalization
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables

/// What has changed since a run completed.
type Change =
    /// The code of these parts, such as `loss cd`.
    | Code of parts: string list
    /// The images of the dataset.
    | Images of dataset: string
    /// The weights of the teacher in a file.
    | Teacher of checkpoint: string

type OutdatedRun = { Variant: string; Ended: DateTime option; Changes: Change list }

let private changedCode (origin: RunOrigin) =
    match origin.ChangedCode with
    | None
    | Some [] -> []
    | Some parts -> [ Code parts ]

/// The fingerprints of a dataset today, read once. None: it is missing or unusable, which is reported elsewhere.
let private imagesToday (openDataset: DatasetSpec -> Data.Dataset) =
    let known = Dictionary<DatasetSpec, RunOrigins option>()

    let read (dataset: DatasetSpec) =
        try
            use opened = openDataset dataset
            Some(RunOrigins(null, opened.Fingerprint(), opened.LabelFingerprint()))
        with :? MissingException ->
            None

    fun (dataset: DatasetSpec) ->
        let dataset = dataset.AsStored

        match known.TryGetValue dataset with
        | true, origins -> origins
        | _ ->
            known[dataset] <- read dataset
            known[dataset]

/// The hash of a teacher's weights today. None: they do not exist or cannot be read.
let private weightsToday (store: TeacherStore) =
    let known = Dictionary<string, string option>()

    let read (teacher: Teachers.PlannedTeacher) =
        try
            Some(store.ContentHash(teacher.Spec, teacher.Dataset))
        with :? MissingException ->
            None

    fun (teacher: Teachers.PlannedTeacher) ->
        match known.TryGetValue teacher.Key with
        | true, hash -> hash
        | _ ->
            known[teacher.Key] <- read teacher
            known[teacher.Key]

/// The completed runs of a plan that have changed since.
/// <param name="openDataset">Usually `DatasetStore.Open`; may throw a MissingException.</param>
let ofJobs (workspace: Workspace) (openDataset: DatasetSpec -> Data.Dataset) (jobs: Job list) : (Job * OutdatedRun) list =
    let store = TeacherStore workspace
    let imagesToday, weightsToday = imagesToday openDataset, weightsToday store

    let changes (run: RunSpec) (teacher: Teachers.PlannedTeacher option) (origin: RunOrigin) =
        [ yield! changedCode origin

          match origin.Images with
          | Some recorded when imagesToday run.Dataset |> Option.exists (fun today -> not (today.HasImages recorded)) ->
              Images run.Dataset.DisplayName
          | _ -> ()

          match origin.Teacher, teacher with
          | Some recorded, Some teacher when weightsToday teacher |> Option.exists ((<>) recorded) ->
              Teacher(store.CheckpointOf(teacher.Spec, teacher.Dataset))
          | _ -> () ]

    [ for job in jobs do
          match job.Origin with
          | Some origin ->
              match changes job.Run.Spec (Teachers.ofRun job.Run) origin with
              | [] -> ()
              | changes -> job, { Variant = job.Run.Variant; Ended = origin.Ended; Changes = changes }
          | None -> () ]

/// The completed runs in the folders of a table whose code has changed since. Without a plan, nothing else can be compared.
let ofTable (experimentFolder: string) (layout: TableLayout) : OutdatedRun list =
    [ for row in layout.Rows do
          for folder in row.Folders do
              match (RunSummary.ofFolder (IO.Path.Combine(experimentFolder, folder))).Origin with
              | Some origin when not (changedCode origin).IsEmpty -> { Variant = row.Variant; Ended = origin.Ended; Changes = changedCode origin }
              | _ -> () ]

let private reason (change: Change) =
    match change with
    | Code parts -> $"""by other code than the present one ({String.Join(", ", parts)})"""
    | Images dataset -> $"on other images than those that {dataset} has now"
    | Teacher checkpoint -> $"with other teacher weights than those that {checkpoint} has now"

/// One warning for each kind of change.
let warnings (runs: OutdatedRun list) : string list =
    [ for change, runs in runs |> List.collect (fun run -> run.Changes |> List.map (fun change -> change, run)) |> List.groupBy fst do
          let runs = List.map snd runs
          let variants = runs |> List.map _.Variant |> List.distinct
          let pattern = if variants.Length = 1 then variants.Head else "PATTERN"

          let was, remedy =
              if runs.Length = 1 then
                  "was", $"`sweep --retrain {pattern}` trains it again and keeps the old one."
              else
                  "were", $"`sweep --retrain {pattern}` trains them again and keeps the old ones."

          let last =
              match runs |> List.choose _.Ended with
              | [] -> ""
              | times ->
                  let day = (List.max times).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
                  if runs.Length = 1 then $", on {day}" else $", the last on {day}"

          $"""{MessageFormat.count runs.Length "completed run"} of {MessageFormat.codes variants} {was} trained {reason change}{last}. {remedy}""" ]

/// Warnings about teachers trained here by other code.
let teachers (workspace: Workspace) (jobs: Job list) : string list =
    let store = TeacherStore workspace

    [ for teacher in jobs |> Seq.map _.Run |> Teachers.ofRuns do
          match store.TrainingFolder(teacher.Spec, teacher.Dataset) with
          | null -> ()
          | folder ->
              match (RunSummary.ofFolder folder.Path).Origin |> Option.bind _.ChangedCode with
              | None
              | Some [] -> ()
              | Some parts ->
                  $"The teacher {teacher.Spec.Model.Name} was trained {reason (Code parts)}. To train it again, remove its folder {folder.Path}." ]
