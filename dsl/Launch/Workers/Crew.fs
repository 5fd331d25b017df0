/// A sweep that worker processes train, one for each device; this process gives them their work, shows how it goes and writes the tables.
module ChannelDistillation.Dsl.Launch.Crew

open System
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Progress
open ChannelDistillation.Records
open ChannelDistillation.Training

/// <exception cref="MissingException">A device is not there.</exception>
let require (devices: WorkerDevice list) =
    for device in devices do
        Devices.Choose(WorkerDevice.onMachine device) |> ignore

/// The teachers that have to be trained or evaluated.
let private unready (state: SweepState) =
    let needed = state.Teachers |> List.map _.Key |> set

    Teachers.ofPlan state.Plan
    |> List.filter (fun teacher ->
        if needed.Contains teacher.Key then
            not (state.Store.IsWhole(teacher.Spec, teacher.Dataset) && state.Store.KnowsErrors(teacher.Spec, teacher.Dataset))
        else
            state.Store.IsThere(teacher.Spec, teacher.Dataset)
            && not (state.Store.KnowsErrors(teacher.Spec, teacher.Dataset))
            && DatasetStore.IsThere(teacher.Dataset, state.Options.Workspace))

/// What a worker is told of an assignment.
let private partOf (state: SweepState) (assignment: Assignment) : Part =
    match assignment with
    | BringTeacher teacher ->
        let learns (job: Job) = Teachers.ofRun job.Run |> Option.exists (fun other -> other.Key = teacher.Key)
        // Of runs that are complete a teacher is only evaluated.
        state.Pending @ state.Jobs |> List.find learns |> Job.nameOf |> Set.singleton |> TeachersOf
    | TrainRuns(runs, patient) ->
        let names = runs |> List.map Job.nameOf |> set
        if patient then RunsOf names else FreeRunsOf names

/// The errors that are known, and the tables. To be called by one thread at a time.
let private tell (state: SweepState) (crew: ICrewProgress) =
    for teacher in Teachers.ofPlan state.Plan do
        if state.Store.KnowsErrors(teacher.Spec, teacher.Dataset) then
            state.Note teacher (state.Store.Errors(teacher.Spec, teacher.Dataset, state.Training, CancellationToken.None)) crew.Say

    state.UpdateTables()

/// Those of some runs that are to be trained by another worker; one that has failed since the sweep began has had its turn.
let private unfinished (began: DateTime) (jobs: Job list) =
    jobs
    |> List.filter (fun job ->
        match (Job.refreshed job).State with
        | GaveUp _ -> RunFolder(job.Folder).ResultWritten < began
        | now -> RunState.needsTraining false now)

let private workerArguments (state: SweepState) (threads: int) (device: WorkerDevice) =
    [ "sweep"; "--part"; "worker"; "--out"; state.Options.Out ]
    @ [ "--device"; WorkerDevice.inWorker device; "--threads"; string threads ]
    @ SweepOptions.shared state.Options

/// A worker's share of the processor, where nobody said how much it is.
let private threadsOf (options: SweepOptions) (workers: int) = options.Threads |> Option.defaultValue (max 1 (Environment.ProcessorCount / workers))

let private names (jobs: Job list) = jobs |> List.map _.Run.Name |> String.concat ", "

let private what (assignment: Assignment) =
    match assignment with
    | BringTeacher teacher -> $"the teacher {teacher.Spec.Model.Name}"
    | TrainRuns(runs, _) -> names runs

/// What befell the workers that did not come to their end, for the end of the sweep.
[<Sealed>]
type private Losses() =
    let said = ResizeArray<string>()
    let missing = ResizeArray<string>()
    member _.Add(text: string, isMissing: bool) = (if isMissing then missing else said).Add text

    /// Where others could do everything, what one lacked keeps nothing back.
    member _.Report(state: SweepState, allDone: bool) =
        state.Warnings.AddRange said

        if allDone then
            state.Warnings.AddRange(Seq.distinct missing)
        else
            state.Troubles.Add([], List.distinct (List.ofSeq missing))

/// Gives a worker assignments until there are none, or it is gone.
let private employ
    (state: SweepState)
    (crew: ICrewProgress)
    (queue: Assignments)
    (losses: Losses)
    (began: DateTime)
    (index: int, worker: WorkerProcess)
    (stop: CancellationToken)
    =
    let noteEnd (assignment: Assignment) (result: PartEnd) =
        lock state (fun () ->
            state.Troubles.Add(result.Obstacles, result.Missing)
            state.Remarks.AddRange result.Remarks
            tell state crew)

        match assignment with
        | BringTeacher teacher -> queue.TeacherEnded(teacher, state.Store.IsThere(teacher.Spec, teacher.Dataset))
        | TrainRuns(runs, _) ->
            let others = set result.InOtherHands
            let inOtherHands = runs |> List.filter (fun job -> others.Contains(Job.nameOf job))
            crew.Elsewhere [ for job in inOtherHands -> job.Run.Name ]
            queue.RunsEnded inOtherHands

    let noteLoss (assignment: Assignment) (how: string) (isMissing: bool) =
        let never = queue.WorkerDied(assignment, unfinished began)

        if not stop.IsCancellationRequested then
            let after =
                if queue.Workers > 0 then
                    "Workers that are left go on with it."
                else
                    "No worker is left."

            crew.Say $"{worker.Device}: the worker is gone; interrupted: {what assignment}. {after}"

            if isMissing then
                losses.Add($"{worker.Device}: {how}", true)
            else
                losses.Add($"The worker on {worker.Device} (process {worker.Id}) {how}", false)

            if not never.IsEmpty then
                losses.Add($"Two workers went down with {names never}; the others were not given it. The same command tries it again.", false)

    let rec next () =
        match queue.Take() with
        | None ->
            crew.Rests index

            if worker.LastWords <> "" then
                crew.Say $"{worker.Device} wrote:\n{worker.LastWords}"
        | Some assignment ->
            match worker.Do (partOf state assignment) (crew.Worker index) with
            | Finished result ->
                noteEnd assignment result
                next ()
            | Gone(how, isMissing) ->
                noteLoss assignment how isMissing
                crew.Rests index

    next ()

/// Trains what is pending, and evaluates teachers.
let train (state: SweepState) (devices: WorkerDevice list) (stop: CancellationToken) =
    // More workers than runs would have nothing to do.
    let devices = devices |> List.truncate (max 1 state.Pending.Length)

    let queue =
        Assignments(
            devices.Length,
            state.Options.Lanes,
            state.Pending,
            unready state,
            fun teacher -> not (isNull teacher.Spec.Train) && not (state.Store.IsWhole(teacher.Spec, teacher.Dataset))
        )

    let began = DateTime.UtcNow
    let losses = Losses()
    let experiment = ExperimentCodec.codec.Write state.Plan.Experiment |> Emit.document
    let threads = threadsOf state.Options devices.Length

    let crewNames = devices |> List.map string

    Progress.ofWorkers state.Options.Quiet crewNames state.Pending.Length (fun crew ->
        let isWork = not (state.Pending.IsEmpty && (unready state).IsEmpty)

        if isWork && not stop.IsCancellationRequested then
            let each = if threads = 1 then "a thread" else $"{threads} threads"
            state.Announce (List.map WorkerDevice.onMachine devices) $"""{String.Join(", ", crewNames)}, {each} each""" crew.Say

            let workers = [ for device in devices -> WorkerProcess.Start(device, workerArguments state threads device, experiment) ]

            try
                use _ =
                    stop.Register(fun () ->
                        queue.Close()
                        workers |> List.iter _.Stop())

                let employ entry =
                    Task.Factory.StartNew(
                        (fun () ->
                            try
                                employ state crew queue losses began entry stop
                            with _ ->
                                queue.Close()
                                workers |> List.iter _.Stop()
                                reraise ()),
                        TaskCreationOptions.LongRunning
                    )

                let tasks = workers |> List.indexed |> List.map employ |> Array.ofList

                try
                    Task.WaitAll tasks
                with :? AggregateException as error ->
                    ExceptionDispatchInfo.Throw error.InnerExceptions[0]
            finally
                workers |> List.iter (fun worker -> (worker :> IDisposable).Dispose())
        else
            lock state (fun () -> tell state crew))

    let allDone = state.Chosen |> List.forall (fun job -> (Job.refreshed job).State = Done)
    losses.Report(state, allDone)
