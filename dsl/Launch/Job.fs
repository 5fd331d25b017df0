namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Generic
open System.IO
open System.IO.Enumeration
open ChannelDistillation.Dsl
open ChannelDistillation.Records
open ChannelDistillation.Training

/// A planned run and where it stands.
type Job =
    {
        Run: PlannedRun
        /// Absolute; there or not.
        Folder: string
        State: RunState
    }

    member this.FolderName = string (Path.GetFileName this.Folder)

module Job =
    let private suffixLength = 9 // "-" and eight digits of the hash

    let private suffixOf (name: string) =
        if name.Length < suffixLength then
            name
        else
            name.Substring(name.Length - suffixLength)

    /// The runs of a plan, each with the folder that holds it under whatever name, or is going to hold it.
    let ofPlan (experimentFolder: string) (plan: Plan) =
        let present = Dictionary<string, string>()

        if Directory.Exists experimentFolder then
            for folder in Directory.GetDirectories experimentFolder |> Array.sort do
                present.TryAdd(suffixOf folder, folder) |> ignore

        [ for run in plan.Runs ->
              let name = RunFolder.NameOf(run.Name, run.Spec)

              match present.TryGetValue(suffixOf name) with
              | true, folder -> { Run = run; Folder = folder; State = RunState.decide true (RunFolder(folder).ReadResult() |> Option.ofObj) }
              | _ -> { Run = run; Folder = Path.Combine(experimentFolder, name); State = RunState.decide false None } ]

    /// As it stands now.
    let refreshed (job: Job) =
        { job with
            State = RunState.decide (Directory.Exists job.Folder) (RunFolder(job.Folder).ReadResult() |> Option.ofObj) }

    let private matches (pattern: string) (job: Job) =
        let fits (name: string) = FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase = false)
        fits job.Run.Name || fits job.Run.Variant

    let private namesShown = 8

    /// `--only`: the runs whose name or variant fits a pattern (with `*` and `?`); without one, all.
    /// <exception cref="Refused">None does.</exception>
    let chosen (only: string option) (jobs: Job list) : Job list =
        match only with
        | None -> jobs
        | Some pattern ->
            match jobs |> List.filter (matches pattern) with
            | [] ->
                let names = jobs |> List.map _.Run.Name |> List.truncate namesShown
                let listed = String.Join(", ", names @ (if jobs.Length > namesShown then [ "..." ] else []))
                raise (Refused $"No run matches --only {pattern}. The runs are: {listed}")
            | found -> found

    /// Groups that train in lockstep, each of at most so many lanes, in the order of the plan.
    let cohorts (lanes: int) (jobs: Job list) =
        Cohort.Group(jobs, (fun job -> job.Run.Spec)) |> Seq.toList |> List.collect (Seq.toList >> List.chunkBySize lanes)
