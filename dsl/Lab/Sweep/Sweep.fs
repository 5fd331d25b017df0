namespace ChannelDistillation.Lab.Sweep

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs

/// Trains the runs of an experiment that are not yet trained.
module Sweep =
    let folderOf (out: string) (plan: Plan) = Path.Combine(out, plan.Experiment.Name)

    /// Whether some of the runs still need training in their current state.
    let private hasUnfinished (now: Job list) (jobs: Job list) =
        let ended = now |> Seq.filter (fun job -> not (RunState.needsTraining false job.State)) |> Seq.map _.Folder |> HashSet
        jobs |> List.exists (fun job -> not (ended.Contains job.Folder))

    let private fetch (state: SweepState) (stop: CancellationToken) =
        try
            Prerequisites.fetch state.Options.Workspace state.Options.Quiet (state.Pending |> List.map _.Run.Spec.Dataset) state.Teachers stop
        with :? OperationCanceledException ->
            ()

    /// Trains in this process.
    let private trainHere (state: SweepState) (stop: CancellationToken) : Job list =
        if not state.Pending.IsEmpty then
            state.Training |> ignore

        state.WriteTables() |> ignore
        fetch state stop

        match state.Options.Observer with
        | Some observer -> LocalSweep.train state observer stop
        | None ->
            let cohorts = Job.cohorts state.Options.Lanes state.Pending
            Progress.during state.Options.Quiet cohorts.Length (fun progress -> LocalSweep.train state progress stop)

    /// Trains in worker processes, which start while this process prepares the data.
    let private trainByWorkers (state: SweepState) (stop: CancellationToken) =
        use pool = new WorkerPool(state, stop)

        if pool.HasWork && not stop.IsCancellationRequested then
            pool.Start()

        fetch state stop
        pool.Train()

    let run (options: SweepOptions) (plan: Plan) (stop: CancellationToken) : Outcome =
        let clock = Stopwatch.StartNew()
        let state = SweepState(options, SweepPart.ofPlan options.Part plan)
        // Reports missing checkpoints before anything is fetched or trained.
        Prerequisites.checkTeachers options.Workspace state.Teachers

        // The parts of a sweep rely on the process that divided it.
        if options.Part = Everything then
            Prerequisites.checkTeacherFiles options.Workspace state.Teachers |> state.Warnings.AddRange

        Retraining.setAside state.Folder state.Retrained

        let claimedElsewhere =
            if options.Workers.IsEmpty then
                trainHere state stop
            else
                trainByWorkers state stop
                []

        let written = state.WriteTables()
        let chosen = Job.chosen options.Only written.Jobs

        { Results = written.Results
          Jobs = written.Jobs
          Chosen = chosen
          ClaimedElsewhere = claimedElsewhere
          Files = written.Files
          Interrupted = stop.IsCancellationRequested && hasUnfinished written.Jobs state.Pending
          Obstacles = state.Failures.Messages
          Missing = state.Failures.Missing @ written.Unwritten
          Remarks = List.distinct (List.ofSeq state.Remarks)
          Warnings = List.ofSeq state.Warnings @ Option.toList (Job.withoutWeights chosen)
          Elapsed = clock.Elapsed }
