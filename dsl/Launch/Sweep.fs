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

    let private fetch (state: SweepState) (stop: CancellationToken) =
        try
            Bring.fetch state.Options.Workspace state.Options.Quiet (state.Pending |> List.map _.Run.Spec.Dataset) state.Teachers stop
        with :? OperationCanceledException ->
            ()

    /// In this process.
    let private trainHere (state: SweepState) (stop: CancellationToken) : Job list =
        if not state.Pending.IsEmpty then
            state.Training |> ignore

        state.WriteTables() |> ignore
        fetch state stop

        match state.Options.Observer with
        | Some observer -> Alone.train state observer stop
        | None ->
            let cohorts = Job.cohorts state.Options.Lanes state.Pending
            Progress.during state.Options.Quiet cohorts.Length (fun progress -> Alone.train state progress stop)

    /// In processes of their own, which start while this one prepares everything.
    let private trainByWorkers (state: SweepState) (stop: CancellationToken) =
        use crew = new Crew(state, stop)

        if crew.HasWork && not stop.IsCancellationRequested then
            crew.Start()

        fetch state stop
        crew.Train()

    let run (options: SweepOptions) (plan: Plan) (stop: CancellationToken) : Outcome =
        let clock = Stopwatch.StartNew()
        let state = SweepState(options, Part.ofPlan options.Part plan)
        // All that can be found missing before anything is fetched or trained.
        Bring.checkTeachers options.Workspace state.Teachers

        let inOtherHands =
            if options.Workers.IsEmpty then
                trainHere state stop
            else
                trainByWorkers state stop
                []

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
