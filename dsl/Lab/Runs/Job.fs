namespace ChannelDistillation.Lab.Runs

open System
open System.Collections.Generic
open System.IO
open System.IO.Enumeration
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables

/// A planned run and its state.
type Job =
    {
        Run: PlannedRun
        /// Absolute; need not exist.
        Folder: string
        State: RunState
        /// Why it cannot be trained in its folder. None: it can.
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

    /// Why a folder cannot be used for the run that its name suggests. None: it can.
    let private conflict (run: PlannedRun) (folder: string) (summary: RunSummary) =
        match summary.Hash with
        | Some hash when hash <> SpecJson.Hash run.Spec ->
            Some(
                $"{folder} cannot be used for {run.Name}: its run.json is of another run (hash {hash}). "
                + "Rename it or move it out of the experiment's folder, then repeat the command."
            )
        | _ -> None

    /// Selects the folder of the run among those whose names end with its hash.
    let private among (folders: string array) (run: PlannedRun) (mine: string) : Job =
        let own = RunSummary.ofFolder mine

        match conflict run mine own with
        | Some reason -> { Run = run; Folder = mine; State = New; Obstacle = Some reason }
        | None when Array.contains mine folders -> { Run = run; Folder = mine; State = RunState.decide true own.Result; Obstacle = None }
        | None ->
            let folder =
                folders
                |> Array.filter (fun folder -> (conflict run folder (RunSummary.ofFolder folder)).IsNone)
                |> Array.sortBy (fun folder -> stateOf folder <> Done)
                |> Array.tryHead
                |> Option.defaultValue mine

            { Run = run; Folder = folder; State = stateOf folder; Obstacle = None }

    /// The runs of a plan, each with its existing folder, which may have been renamed, or its future one. Of several copies, the folder with the
    /// run's own name is used, else a completed one.
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

        // In parallel, because with thousands of runs most time is spent waiting for files.
        plan.Runs |> Array.ofList |> Array.Parallel.map job |> List.ofArray

    /// The original name of a run's folder, even if it was renamed.
    let nameOf (job: Job) = RunFolder.NameOf(job.Run.Name, job.Run.Spec)

    /// The job in its current state.
    let refreshed (job: Job) = if job.Obstacle.IsSome then job else { job with State = stateOf job.Folder }

    /// Why a run failed or diverged: for a diverged run, the epoch, the step and the loss.
    let reason (job: Job) = RunFolder(job.Folder).ReadResult() |> Option.ofObj |> Option.bind (_.Message >> Option.ofObj)

    let private namesShown = 8

    /// The names of the first few runs.
    let names (jobs: Job list) =
        let first = jobs |> List.map _.Run.Name |> List.truncate namesShown
        String.Join(", ", first @ (if jobs.Length > namesShown then [ "..." ] else []))

    /// A message about completed runs whose weights were removed; they are not retrained automatically.
    let withoutWeights (jobs: Job list) : string option =
        match jobs |> List.filter (fun job -> job.State = Done && not (RunFolder(job.Folder).HasWeights())) with
        | [] -> None
        | withoutWeights ->
            Some(
                $"The weights of these completed runs have been removed: {names withoutWeights}. Their results remain valid; "
                + "to retrain a run, remove its folder."
            )

    let private matches (pattern: string) (job: Job) =
        let fits (pattern: string) (name: string) = FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase = false)
        let row, point = Baseline.split pattern
        let isAt = not point.IsEmpty && (Baseline.selected point job.Run.Axes).IsSome

        (job.Run.Variant, job.Run.Name) :: job.Run.Others
        |> List.exists (fun (variant, name) -> fits pattern name || fits pattern variant || isAt && fits row variant)

    /// `--only`: the runs whose name, variant or row (`kd[T=4]`) matches a pattern (with `*` and `?`). Without a pattern, all runs.
    /// <exception cref="UsageError">No run matches.</exception>
    let chosen (only: string option) (jobs: Job list) : Job list =
        match only with
        | None -> jobs
        | Some pattern ->
            match jobs |> List.filter (matches pattern) with
            | [] -> raise (UsageError $"No run matches --only {pattern}. Runs: {names jobs}")
            | found -> found

    /// Groups the runs into cohorts of at most `lanes` runs, in the order of the plan.
    let cohorts (lanes: int) (jobs: Job list) =
        Cohort.Group(jobs, (fun job -> job.Run.Spec)) |> Seq.toList |> List.collect (Seq.toList >> List.chunkBySize lanes)
