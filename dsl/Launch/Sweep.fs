namespace ChannelDistillation.Dsl.Launch

open System
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

    let private isEnded (now: Job list) (job: Job) =
        now |> List.exists (fun other -> other.Folder = job.Folder && not (RunState.needsTraining false other.State))

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
        let now, results, written = state.WriteTables()

        let report =
            if options.Part.Names.IsSome then
                Ok []
            else
                Reports.write TableOptions.Default state.Folder results |> Result.map List.singleton

        let files, unwritten =
            match written, report with
            | Ok files, Ok report -> files @ report, []
            | Ok files, Error reason -> files, [ reason ]
            | Error reason, Ok _ -> [], [ reason ]
            | Error reason, Error other -> [], [ reason; other ]

        let chosen = Job.chosen options.Only now

        { Results = results
          Jobs = now
          Chosen = chosen
          InOtherHands = inOtherHands
          Files = files
          Interrupted = stop.IsCancellationRequested && state.Pending |> List.exists (fun job -> not (isEnded now job))
          Obstacles = state.Troubles.Failures
          Missing = state.Troubles.Missing @ unwritten
          Remarks = List.distinct (List.ofSeq state.Remarks)
          Warnings = List.ofSeq state.Warnings @ Option.toList (Job.withoutWeights chosen)
          Elapsed = clock.Elapsed }
