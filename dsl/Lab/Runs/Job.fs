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
        /// The provenance of a completed run.
        Origin: RunOrigin option
        /// The other experiment whose folder has the completed run. None: it belongs to this experiment.
        SharedFrom: string option
    }

    /// The path of its folder relative to the experiment's folder.
    member this.FolderName =
        let name = string (Path.GetFileName this.Folder)

        match this.SharedFrom with
        | Some experiment -> $"../{experiment}/{name}"
        | None -> name

module Job =
    let private suffixLength = 9 // "-" and eight digits of the hash

    let private suffixOf (name: string) =
        if name.Length < suffixLength then
            name
        else
            name.Substring(name.Length - suffixLength)

    let private untrained (run: PlannedRun) (folder: string) =
        { Run = run; Folder = folder; State = New; Obstacle = None; Origin = None; SharedFrom = None }

    let private started (run: PlannedRun) (folder: string) =
        let summary = RunSummary.ofFolder folder

        { untrained run folder with
            State = RunState.decide (Directory.Exists folder) summary.Result
            Origin = summary.Origin }

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
        | Some reason -> { untrained run mine with Obstacle = Some reason }
        | None when Array.contains mine folders -> started run mine
        | None ->
            let folder =
                folders
                |> Array.filter (fun folder -> (conflict run folder (RunSummary.ofFolder folder)).IsNone)
                |> Array.sortBy (fun folder -> (started run folder).State <> Done)
                |> Array.tryHead
                |> Option.defaultValue mine

            started run folder

    let private foldersByEnd (parent: string) =
        if Directory.Exists parent then
            Directory.GetDirectories parent |> Array.sort |> Array.groupBy (Path.GetFileName >> string >> suffixOf) |> dict
        else
            Dictionary()

    /// The folders of other experiments beside this one, by the ends of their names. Unreadable experiments are skipped.
    let private ofOthers (experimentFolder: string) =
        let own = Path.GetFullPath experimentFolder

        [ match Path.GetDirectoryName own with
          | null -> ()
          | out when Directory.Exists out ->
              for other in Directory.GetDirectories out |> Array.sort do
                  if other <> own then
                      try
                          string (Path.GetFileName other), foldersByEnd other
                      with
                      | :? IOException
                      | :? UnauthorizedAccessException -> ()
          | _ -> () ]

    /// The run as another experiment has completed it, if one has.
    let private shared (others: (string * IDictionary<string, string array>) list) (job: Job) =
        let hash = SpecJson.Hash job.Run.Spec

        others
        |> Seq.collect (fun (experiment, folders) ->
            match folders.TryGetValue(suffixOf (RunFolder.NameOf(job.Run.Name, job.Run.Spec))) with
            | true, folders -> folders |> Seq.map (fun folder -> experiment, folder)
            | _ -> Seq.empty)
        |> Seq.tryFind (fun (_, folder) ->
            let summary = RunSummary.ofFolder folder
            summary.Hash = Some hash && summary.IsCompleted)
        |> Option.map (fun (experiment, folder) -> { started job.Run folder with SharedFrom = Some experiment })

    /// The runs of a plan, each with its existing folder, which may have been renamed, or its future one. Of several copies, the folder with the
    /// run's own name is used, else a completed one.
    /// <param name="share">Whether to use the completed runs of other experiments in the same folder for runs that have no folder yet.</param>
    let find (share: bool) (experimentFolder: string) (plan: Plan) : Job list =
        SummaryCache.load experimentFolder plan.Runs.Length
        let present = foldersByEnd experimentFolder

        let job (run: PlannedRun) =
            let name = RunFolder.NameOf(run.Name, run.Spec)
            let mine = Path.Combine(experimentFolder, name)

            match present.TryGetValue(suffixOf name) with
            | true, folders -> among folders run mine
            | _ -> untrained run mine

        // In parallel, because with thousands of runs most time is spent waiting for files.
        let own = plan.Runs |> Array.ofList |> Array.Parallel.map job |> List.ofArray
        let isNew (job: Job) = job.State = New && job.Obstacle.IsNone

        if share && List.exists isNew own then
            let others = ofOthers experimentFolder
            own |> List.map (fun job -> if isNew job then shared others job |> Option.defaultValue job else job)
        else
            own

    /// The same, with the completed runs of other experiments.
    let ofPlan (experimentFolder: string) (plan: Plan) : Job list = find true experimentFolder plan

    /// The original name of a run's folder, even if it was renamed.
    let nameOf (job: Job) = RunFolder.NameOf(job.Run.Name, job.Run.Spec)

    /// The job in its current state.
    let refreshed (job: Job) =
        if job.Obstacle.IsSome then
            job
        else
            { started job.Run job.Folder with SharedFrom = job.SharedFrom }

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

    /// The runs whose name, variant or row (`kd[T=4]`) matches the pattern of an option (with `*` and `?`).
    /// <exception cref="UsageError">No run matches.</exception>
    let matching (option: string) (pattern: string) (jobs: Job list) : Job list =
        match jobs |> List.filter (matches pattern) with
        | [] -> raise (UsageError $"No run matches {option} {pattern}. Runs: {names jobs}")
        | found -> found

    /// `--only`: the runs that match its pattern. Without a pattern, all runs.
    /// <exception cref="UsageError">No run matches.</exception>
    let chosen (only: string option) (jobs: Job list) : Job list =
        match only with
        | None -> jobs
        | Some pattern -> matching "--only" pattern jobs

    /// A job that trains a run again, in this experiment's folder.
    let again (experimentFolder: string) (job: Job) : Job = untrained job.Run (Path.Combine(experimentFolder, nameOf job))

    /// Groups the runs into cohorts of at most `lanes` runs, in the order of the plan.
    let cohorts (lanes: int) (jobs: Job list) =
        Cohort.Group(jobs, (fun job -> job.Run.Spec)) |> Seq.toList |> List.collect (Seq.toList >> List.chunkBySize lanes)
