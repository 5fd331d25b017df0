namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Progress
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Specs

/// Trains what an experiment declares and is not yet trained.
module Sweep =
    let folderOf (out: string) (plan: Plan) = Path.Combine(out, plan.Experiment.Name)

    /// Whether some of these runs, as they stand now, are to be trained.
    let private hasUnfinished (now: Job list) (jobs: Job list) =
        let ended = now |> Seq.filter (fun job -> not (RunState.needsTraining false job.State)) |> Seq.map _.Folder |> HashSet
        jobs |> List.exists (fun job -> not (ended.Contains job.Folder))

    /// All that can be found missing before anything is fetched or trained.
    let private require (state: SweepState) =
        Bring.checkTeachers state.Options.Workspace state.Teachers

        if not state.Pending.IsEmpty then
            match state.Options.Workers with
            | [] -> state.Training |> ignore
            | workers -> Crew.require workers

    let private train (state: SweepState) (stop: CancellationToken) : Job list =
        match state.Options.Workers, state.Options.Observer with
        | [], Some observer -> Alone.train state observer stop
        | [], None ->
            let cohorts = Job.cohorts state.Options.Lanes state.Pending
            Progress.during state.Options.Quiet cohorts.Length (fun progress -> Alone.train state progress stop)
        | workers, _ ->
            Crew.train state workers stop
            []

    let run (options: SweepOptions) (plan: Plan) (stop: CancellationToken) : Outcome =
        let clock = Stopwatch.StartNew()
        let state = SweepState(options, Part.ofPlan options.Part plan)
        require state
        state.WriteTables() |> ignore

        try
            Bring.fetch options.Workspace options.Quiet (state.Pending |> List.map _.Run.Spec.Dataset) state.Teachers stop
        with :? OperationCanceledException ->
            ()

        let inOtherHands = train state stop
        let written = state.WriteTables()
        let chosen = Job.chosen options.Only written.Jobs

        { Results = written.Results
          Jobs = written.Jobs
          Chosen = chosen
          InOtherHands = inOtherHands
          Files = written.Files
          Interrupted = stop.IsCancellationRequested && hasUnfinished written.Jobs state.Pending
          Obstacles = state.Troubles.Failures
          Missing = state.Troubles.Missing @ written.Unwritten
          Remarks = List.distinct (List.ofSeq state.Remarks)
          Warnings = List.ofSeq state.Warnings @ Option.toList (Job.withoutWeights chosen)
          Elapsed = clock.Elapsed }
