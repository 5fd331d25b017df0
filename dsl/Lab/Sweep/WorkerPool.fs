namespace ChannelDistillation.Lab.Sweep

open System
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers

/// Trains a sweep in worker processes, one per device. This process assigns the work, shows the progress and writes the tables.
/// It calls no libtorch operator, so that a crash in native code cannot end it.
[<Sealed>]
type WorkerPool(state: SweepState, stop: CancellationToken) =
    let options = state.Options

    // More workers than runs would have nothing to do.
    let devices = options.Workers |> List.truncate (max 1 state.Pending.Length)

    /// A run with so many sessions that were cut off without progress is trained last and alone.
    let suspicious = 2

    /// The teachers that need training or evaluation.
    let unready =
        let needed = state.Teachers |> List.map _.Key |> set
        let isUnknown (teacher: Teachers.PlannedTeacher) = state.EvaluatesTeachers && isNull (state.Store.KnownErrors(teacher.Spec, teacher.Dataset))

        Teachers.ofPlan state.Plan
        |> List.filter (fun teacher ->
            if needed.Contains teacher.Key then
                not (state.Store.IsIntact(teacher.Spec, teacher.Dataset)) || isUnknown teacher
            else
                isUnknown teacher
                && state.Store.Exists(teacher.Spec, teacher.Dataset)
                && DatasetStore.Exists(teacher.Dataset, options.Workspace))

    let hasWork = not (state.Pending.IsEmpty && unready.IsEmpty)

    let trainingOf (teacher: Teachers.PlannedTeacher) = state.Store.TrainingFolder(teacher.Spec, teacher.Dataset) |> Option.ofObj

    let standings: ProgressLookup =
        let began = DateTime.UtcNow

        // A run that failed during this sweep is not retried.
        let needsTraining (job: Job) =
            match (Job.refreshed job).State with
            | GaveUp _ -> RunFolder(job.Folder).ResultWritten < began
            | now -> RunState.needsTraining false now

        { ProgressOfRun = fun job -> if needsTraining job then Some(RunProgress.Of(RunFolder job.Folder)) else None
          ProgressOfTeacher =
            fun teacher ->
                match trainingOf teacher with
                | Some _ when state.Store.IsIntact(teacher.Spec, teacher.Dataset) -> None
                | Some folder -> Some(RunProgress.Of folder)
                | None -> Some(struct (1, 0))
          IsSuspectRun = fun job -> job.State <> New && RunProgress.CutOffSessions(RunFolder job.Folder) >= suspicious
          IsSuspectTeacher = trainingOf >> Option.exists (fun folder -> RunProgress.CutOffSessions folder >= suspicious) }

    let queue =
        let isUntrained (teacher: Teachers.PlannedTeacher) = not (isNull teacher.Spec.Train || state.Store.IsIntact(teacher.Spec, teacher.Dataset))

        let runs = if options.Part.IsForTeachers then [] else state.Pending
        Assignments(devices.Length, options.Lanes, runs, unready, isUntrained, hasWork && not state.KnowsCosts, standings)

    let incidents = IncidentLog()

    /// Threads per worker. By default several workers share the cores, and a single one uses libtorch's default.
    let threads =
        match options.Threads with
        | None when devices.Length > 1 -> Some(max 1 (Environment.ProcessorCount / devices.Length))
        | given -> given

    let experiment = lazy (ExperimentCodec.codec.Write state.Plan.Experiment |> Emit.document)
    let mutable started = options.Started

    let start device () =
        let worker =
            match started with
            | Some worker ->
                started <- None
                worker
            | None -> WorkerProcess.Start(device, SweepOptions.ofWorker options threads device)

        worker.Begin experiment.Value
        worker

    let slots =
        [ for index, device in List.indexed devices -> new WorkerSlot(state, queue, incidents, index, device, start device, stop) ]

    let stopAll () =
        queue.Close()
        slots |> List.iter _.Stop()

    let stopping = stop.Register stopAll

    let announce (report: SweepEvent -> unit) (ready: WorkerReady list) =
        let where =
            match devices, ready with
            | [ Sole _ ], only :: _ -> only.Device
            | _ ->
                let each =
                    match threads with
                    | Some 1 -> "1 thread"
                    | _ -> $"{Option.toList threads |> List.sum} threads"

                $"""{String.Join(", ", List.map string devices)}, {each} each"""

        let obstacles = lazy (ready |> List.collect _.Obstacles |> List.distinct)
        state.Announce where obstacles (ready |> List.tryPick _.Hint) (Message >> report)

    let work (report: SweepEvent -> unit) =
        let work (slot: WorkerSlot) =
            Task.Factory.StartNew(
                (fun () ->
                    try
                        slot.Work report
                    with _ ->
                        stopAll ()
                        reraise ()),
                TaskCreationOptions.LongRunning
            )

        let tasks = slots |> List.map work |> Array.ofList
        // Meanwhile, the workers start.
        lock state (fun () -> state.WriteTables() |> ignore)

        try
            Task.WaitAll tasks
        with :? AggregateException as error ->
            ExceptionDispatchInfo.Throw error.InnerExceptions[0]

    /// Before a view is there.
    let quietly (reported: TrainingEvent) =
        match reported with
        | :? TrainingEvent.Message as message -> eprintfn "%s" message.Text
        | _ -> ()

    let mutable ready: WorkerReady list = []

    /// Whether there is work for the workers.
    member _.HasWork = hasWork

    /// Starts the worker processes. Waits for them only if this process cannot check their devices itself.
    /// <exception cref="MissingException">A device is missing.</exception>
    member this.Start() =
        let foreseen = devices |> List.map (WorkerDevice.onMachine >> Devices.ChooseWithoutTorch)
        state.Cost <- Layouts.knownCost
        slots |> List.iter _.Start()

        if List.exists isNull foreseen then
            this.AwaitReady()

    member private _.AwaitReady() =
        if ready.IsEmpty then
            ready <- slots |> List.choose (fun slot -> slot.AwaitReady quietly)

    /// Trains the pending runs and evaluates the teachers.
    member this.Train() =
        Progress.ofWorkers
            options.Quiet
            (List.map string devices)
            state.Pending.Length
            (Job.cohorts options.Lanes state.Pending).Length
            (fun report ->
                if this.HasWork && not stop.IsCancellationRequested then
                    this.AwaitReady()

                    if not stop.IsCancellationRequested then
                        announce report ready

                    work report
                else
                    lock state (fun () ->
                        state.RecordTeacherErrors(Message >> report)
                        state.UpdateTables()))

        let allDone = state.Chosen |> List.forall (fun job -> (Job.refreshed job).State = Done)
        incidents.Report(state, allDone)

    interface IDisposable with
        member _.Dispose() =
            stopping.Dispose()
            slots |> List.iter (fun slot -> (slot :> IDisposable).Dispose())
