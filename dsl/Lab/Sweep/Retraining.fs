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

/// Whether the present code, images and teachers may give other numbers. Earlier versions recorded no code.
let private mayDiffer (outdated: Job list) (job: Job) =
    List.exists (fun (other: Job) -> other.Folder = job.Folder) outdated
    || job.Origin |> Option.exists (fun origin -> origin.ChangedCode.IsNone)

/// The runs of a plan, and those of them that `--retrain` retrains.
/// <exception cref="UsageError">No run matches the pattern.</exception>
let plan (options: SweepOptions) (folder: string) (plan: Plan) : PlannedJobs =
    let jobs = Job.find options.Share folder plan

    match options.Retrain with
    | None -> { Jobs = jobs; Retrained = [] }
    | Some pattern ->
        let matching = Job.chosen options.Only jobs |> Job.matching "--retrain" pattern
        let outdated = Outdated.ofJobs options.Workspace (SweepOptions.openDataset options) matching |> List.map fst
        let retrained = matching |> List.filter (fun job -> job.State = Done && mayDiffer outdated job)
        let folders = retrained |> List.map _.Folder |> set

        { Jobs = jobs |> List.map (fun job -> if folders.Contains job.Folder then Job.again folder job else job)
          Retrained = retrained }

/// The folder that keeps the old runs.
let keptIn (folder: string) = Path.Combine(folder, "replaced")

/// A message if `--retrain` retrains nothing.
let nothing (options: SweepOptions) (retrained: Job list) : string option =
    match options.Retrain with
    | Some pattern when retrained.IsEmpty ->
        Some
            $"--retrain {pattern} retrains nothing: code, images and teachers of the matching runs have not changed. To train a run again anyway, remove its folder."
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
