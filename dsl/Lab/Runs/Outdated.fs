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

/// Computes each value once. None if something is missing or unusable, which is reported elsewhere.
let private once (keyOf: 'thing -> 'key) (compute: 'thing -> 'value) : 'thing -> 'value option =
    let known = Dictionary<'key, 'value option>()

    fun thing ->
        let key = keyOf thing

        match known.TryGetValue key with
        | true, value -> value
        | _ ->
            known[key] <-
                try
                    Some(compute thing)
                with :? MissingException ->
                    None

            known[key]

/// The completed runs of a plan that have changed since.
/// <param name="openDataset">Usually `DatasetStore.Open`; may throw a MissingException.</param>
let ofJobs (workspace: Workspace) (openDataset: DatasetSpec -> Data.Dataset) (jobs: Job list) : (Job * OutdatedRun) list =
    let store = TeacherStore workspace

    let imagesToday =
        once (fun (dataset: DatasetSpec) -> dataset.AsStored) (fun dataset ->
            use opened = openDataset dataset
            RunOrigins(null, opened.Fingerprint(), opened.LabelFingerprint()))

    let weightsToday =
        once (fun (run: RunSpec) -> struct (run.Teacher, run.Dataset)) (fun run -> store.ContentHash(nonNull run.Teacher, run.Dataset))

    let changes (run: RunSpec) (origin: RunOrigin) =
        [ yield! changedCode origin

          match origin.Images with
          | Some recorded when imagesToday run.Dataset |> Option.exists (fun today -> not (today.HasImages recorded)) ->
              Images run.Dataset.DisplayName
          | _ -> ()

          match origin.Teacher, run.Teacher with
          | Some recorded, NonNull teacher when weightsToday run |> Option.exists ((<>) recorded) -> Teacher(store.CheckpointOf(teacher, run.Dataset))
          | _ -> () ]

    [ for job in jobs do
          match job.Origin |> Option.map (fun origin -> origin, changes job.Run.Spec origin) with
          | None
          | Some(_, []) -> ()
          | Some(origin, changes) -> job, { Variant = job.Run.Variant; Ended = origin.Ended; Changes = changes } ]

/// The completed runs in the folders of a table whose code has changed since. Without a plan, nothing else can be compared.
let ofTable (experimentFolder: string) (layout: TableLayout) : OutdatedRun list =
    [ for row in layout.Rows do
          for folder in row.Folders do
              match (RunSummary.ofFolder (IO.Path.Combine(experimentFolder, folder))).Origin with
              | Some origin when not (changedCode origin).IsEmpty -> { Variant = row.Variant; Ended = origin.Ended; Changes = changedCode origin }
              | _ -> () ]

/// `loss kd has changed`.
let private changed (parts: string list) = MessageFormat.listed parts + (if parts.Length = 1 then " has changed" else " have changed")

/// The warning about runs that share a kind of change.
let private warning (runs: OutdatedRun list) (how: string) =
    let variants = runs |> List.map _.Variant |> List.distinct
    let pattern = if variants.Length = 1 then variants.Head else "PATTERN"
    let isOne = runs.Length = 1

    let last =
        match runs |> List.choose _.Ended with
        | [] -> ""
        | times ->
            let day = (List.max times).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
            if isOne then $", on {day}" else $", the last on {day}"

    $"""{MessageFormat.count runs.Length "completed run"} of {MessageFormat.codes variants} {(if isOne then "was" else "were")} trained {how}{last}. """
    + $"""`sweep --retrain {pattern}` trains {(if isOne then
                                                   "it again and keeps the old one"
                                               else
                                                   "them again and keeps the old ones")}."""

/// One warning about all runs of different code, one for each changed dataset and teacher.
let warnings (runs: OutdatedRun list) : string list =
    let partsOf (run: OutdatedRun) =
        run.Changes
        |> List.collect (function
            | Code parts -> parts
            | _ -> [])

    [ match runs |> List.filter (fun run -> not (partsOf run).IsEmpty) with
      | [] -> ()
      | ofCode -> warning ofCode $"with different code ({ofCode |> List.collect partsOf |> List.distinct |> changed})"

      for change, runs in runs |> List.collect (fun run -> run.Changes |> List.map (fun change -> change, run)) |> List.groupBy fst do
          let runs = List.map snd runs

          match change with
          | Code _ -> ()
          | Images dataset -> warning runs $"with different images ({dataset} has changed)"
          | Teacher checkpoint -> warning runs $"with different teacher weights ({checkpoint} has changed)" ]

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
                  $"The teacher {teacher.Spec.Model.Name} was trained with different code ({changed parts}). To train it again, remove its folder {folder.Path}." ]
