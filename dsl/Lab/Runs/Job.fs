namespace ChannelDistillation.Lab.Runs

open System
open System.Collections.Generic
open System.IO
open System.IO.Enumeration
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning

/// A planned run and where it stands.
type Job =
    {
        Run: PlannedRun
        /// Absolute; there or not.
        Folder: string
        State: RunState
        /// Why it cannot be trained there; None: it can.
        Obstacle: string option
    }

    member this.FolderName = string (Path.GetFileName this.Folder)

module Job =
    let private suffixLength = 9 // "-" and eight digits of the hash

    let private suffixOf (name: string) =
        if name.Length < suffixLength then
            name
        else
            name.Substring(name.Length - suffixLength)

    let private stateOf folder = RunState.decide (Directory.Exists folder) (RunSummary.ofFolder folder).Result

    /// Why a folder is not taken for the run that its name tells; None: it may be.
    let private stranger (run: PlannedRun) (folder: string) (summary: RunSummary) =
        match summary.Hash with
        | Some hash when hash <> SpecJson.Hash run.Spec ->
            Some(
                $"{folder} is not taken for {run.Name}: its run.json is that of another run (hash {hash}). "
                + "Move it out of the experiment's folder, or rename it, and repeat the command."
            )
        | _ -> None

    /// Of the folders whose names end as the run's does, the one that holds it.
    let private among (folders: string array) (run: PlannedRun) (mine: string) : Job =
        let own = RunSummary.ofFolder mine

        match stranger run mine own with
        | Some reason -> { Run = run; Folder = mine; State = New; Obstacle = Some reason }
        | None when Array.contains mine folders -> { Run = run; Folder = mine; State = RunState.decide true own.Result; Obstacle = None }
        | None ->
            let folder =
                folders
                |> Array.filter (fun folder -> (stranger run folder (RunSummary.ofFolder folder)).IsNone)
                |> Array.sortBy (fun folder -> stateOf folder <> Done)
                |> Array.tryHead
                |> Option.defaultValue mine

            { Run = run; Folder = folder; State = stateOf folder; Obstacle = None }

    /// The runs of a plan, each with the folder that holds it under whatever name, or is going to hold it. Of several, the one that has the
    /// run's very name, else one that is completed: the others are copies.
    let ofPlan (experimentFolder: string) (plan: Plan) : Job list =
        SummaryCache.load experimentFolder plan.Runs.Length

        let present =
            if Directory.Exists experimentFolder then
                Directory.GetDirectories experimentFolder
                |> Array.sort
                |> Array.groupBy (Path.GetFileName >> string >> suffixOf)
                |> dict
            else
                Dictionary()

        let job (run: PlannedRun) =
            let name = RunFolder.NameOf(run.Name, run.Spec)
            let mine = Path.Combine(experimentFolder, name)

            match present.TryGetValue(suffixOf name) with
            | true, folders -> among folders run mine
            | _ -> { Run = run; Folder = mine; State = New; Obstacle = None }

        // Thousands of runs: mostly waiting for files.
        plan.Runs |> Array.ofList |> Array.Parallel.map job |> List.ofArray

    /// What a run's folder is called, whatever it was renamed to.
    let nameOf (job: Job) = RunFolder.NameOf(job.Run.Name, job.Run.Spec)

    /// As it stands now.
    let refreshed (job: Job) = if job.Obstacle.IsSome then job else { job with State = stateOf job.Folder }

    /// Why it failed or diverged: for a run that diverged, the epoch, the step and the loss.
    let reason (job: Job) = RunFolder(job.Folder).ReadResult() |> Option.ofObj |> Option.bind (_.Message >> Option.ofObj)

    let private namesShown = 8

    /// Their names, the first few of many.
    let names (jobs: Job list) =
        let first = jobs |> List.map _.Run.Name |> List.truncate namesShown
        String.Join(", ", first @ (if jobs.Length > namesShown then [ "..." ] else []))

    /// Of completed runs whose weights somebody removed: a completed run is never trained again unasked.
    let withoutWeights (jobs: Job list) : string option =
        match jobs |> List.filter (fun job -> job.State = Done && not (RunFolder(job.Folder).HasWeights())) with
        | [] -> None
        | bare ->
            Some(
                $"Weights of completed runs are no longer there: {names bare}. Their results stand; "
                + "a run whose folder is removed is trained again."
            )

    let private matches (pattern: string) (job: Job) =
        let fits (name: string) = FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase = false)
        fits job.Run.Name || fits job.Run.Variant

    /// `--only`: the runs whose name or variant fits a pattern (with `*` and `?`); without one, all.
    /// <exception cref="UsageError">None does.</exception>
    let chosen (only: string option) (jobs: Job list) : Job list =
        match only with
        | None -> jobs
        | Some pattern ->
            match jobs |> List.filter (matches pattern) with
            | [] -> raise (UsageError $"No run matches --only {pattern}. The runs are: {names jobs}")
            | found -> found

    /// Groups that train in lockstep, each of at most so many lanes, in the order of the plan.
    let cohorts (lanes: int) (jobs: Job list) =
        Cohort.Group(jobs, (fun job -> job.Run.Spec)) |> Seq.toList |> List.collect (Seq.toList >> List.chunkBySize lanes)
