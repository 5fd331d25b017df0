/// `--retrain`: trains completed runs again whose code, images or teacher weights have changed.
module ChannelDistillation.Lab.Sweep.Retraining

open System
open System.Globalization
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs

type PlannedJobs =
    {
        /// Every run of the plan; runs to be retrained count as new.
        Jobs: Job list
        /// The completed runs to be retrained.
        Retrained: Job list
    }

/// The runs of a plan, and those of them that `--retrain` retrains.
/// <exception cref="UsageError">No run matches the pattern.</exception>
/// <exception cref="MissingException">The images of a completed run are missing, so that it can neither be compared nor retrained.</exception>
let plan (options: SweepOptions) (folder: string) (plan: Plan) : PlannedJobs =
    let jobs = Job.find options.Share folder plan

    match options.Retrain with
    | None -> { Jobs = jobs; Retrained = [] }
    | Some pattern ->
        let completed =
            Job.chosen options.Only jobs |> Job.matching "--retrain" pattern |> List.filter (fun job -> job.State = Done)

        Prerequisites.checkDatasets options.Workspace (completed |> List.map _.Run.Spec.Dataset)

        let outdated =
            set
                [ for job, _ in Outdated.ofJobs options.Workspace (SweepOptions.openDataset options) completed do
                      job.Folder
                  // Earlier versions recorded no code, so that the present one may differ.
                  for job in completed do
                      if job.Origin |> Option.exists _.ChangedCode.IsNone then
                          job.Folder ]

        { Jobs = jobs |> List.map (fun job -> if outdated.Contains job.Folder then Job.again folder job else job)
          Retrained = completed |> List.filter (fun job -> outdated.Contains job.Folder) }

/// The folder that keeps the old runs.
let keptIn (folder: string) = Path.Combine(folder, "replaced")

/// A message if `--retrain` retrains nothing. Runs that still need training may be those of an interrupted retraining.
let nothing (options: SweepOptions) (planned: PlannedJobs) : string option =
    match options.Retrain with
    | Some pattern when planned.Retrained.IsEmpty && planned.Jobs |> List.forall (fun job -> not (RunState.needsTraining false job.State)) ->
        Some $"No completed run that matches --retrain {pattern} is outdated. To train a run again anyway, remove its folder."
    | _ -> None

/// Moves the old runs out of the way of the new ones.
/// <exception cref="MissingException">A folder cannot be moved.</exception>
let setAside (folder: string) (retrained: Job list) =
    let now = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture)

    // A run of another experiment stays where it is.
    for job in retrained |> List.filter _.SharedFrom.IsNone do
        let kept = Path.Combine(keptIn folder, $"{Path.GetFileName job.Folder}-{now}")

        try
            Directory.CreateDirectory(keptIn folder) |> ignore
            Directory.Move(job.Folder, kept)
        with
        | :? IOException
        | :? UnauthorizedAccessException as error ->
            raise (MissingException($"{job.Folder} cannot be moved to {kept}: {error.Message} Nothing was trained.", error))

/// A message about the runs that are retrained.
let note (folder: string) (retrained: Job list) : string option =
    if retrained.IsEmpty then
        None
    else
        Some $"""Retraining {MessageFormat.count retrained.Length "completed run"}; the old ones are kept in {keptIn folder}."""
