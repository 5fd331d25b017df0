namespace ChannelDistillation.Lab.Sweep

open System
open System.IO
open System.Threading
open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers

/// One worker of a sweep: assigns work to its process until none is left. A process that crashes or is killed is replaced.
/// <param name="index">The index of the worker, from 0.</param>
/// <param name="start">Starts a process of the worker.</param>
[<Sealed>]
type WorkerSlot
    (
        state: SweepState,
        queue: Assignments,
        incidents: IncidentLog,
        index: int,
        device: WorkerDevice,
        start: unit -> WorkerProcess,
        stop: CancellationToken
    ) =
    let gate = obj ()
    let mutable current: WorkerProcess option = None
    let mutable isReady = false
    // Replaced by the name that the process reports if it chooses the device itself.
    let mutable name = string device

    let trained (report: SweepEvent -> unit) (reported: TrainingEvent) = report (FromWorker(index, reported))

    let running () =
        lock gate (fun () ->
            match current with
            | Some worker -> worker
            | None ->
                let worker = start ()
                current <- Some worker
                isReady <- false

                if stop.IsCancellationRequested then
                    worker.Stop()

                worker)

    let release () =
        let ended =
            lock gate (fun () ->
                let worker = current
                current <- None
                worker)

        // Outside the lock, because it can take long and `Stop` must not wait for it.
        ended |> Option.iter (fun worker -> (worker :> IDisposable).Dispose())

    let doPart
        (report: SweepEvent -> unit)
        (worker: WorkerProcess)
        (part: SweepPart)
        (mode: ComputeMode)
        (ended: PartEnd -> unit)
        : WorkerAnswer<unit> =
        match worker.Do (part, mode) (trained report) with
        | Finished result ->
            lock state (fun () ->
                state.Failures.Add(result.Obstacles, result.Missing)
                state.Remarks.AddRange result.Remarks
                state.RecordTeacherErrors(Message >> report)
                state.UpdateTables())

            Finished(ended result)
        | Crashed how -> Crashed how
        | Unusable why -> Unusable why

    let perform (report: SweepEvent -> unit) (worker: WorkerProcess) (assignment: Assignment) : WorkerAnswer<unit> =
        match assignment with
        | PrepareTeacher(teacher, attempt) ->
            let learns (job: Job) = Teachers.ofRun job.Run |> Option.exists (fun other -> other.Key = teacher.Key)
            // The teacher of complete runs is only evaluated.
            let run = state.Pending @ state.Jobs |> List.find learns |> Job.nameOf

            doPart report worker (TeachersOf(Set.singleton run)) attempt.Mode (fun _ ->
                queue.TeacherEnded(teacher, state.Store.Exists(teacher.Spec, teacher.Dataset)))
        | TrainRuns(group, patient) ->
            let names = group.Runs |> List.map Job.nameOf |> set
            let part = if patient then RunsOf names else UnclaimedRunsOf names

            doPart report worker part group.Attempt.Mode (fun result ->
                let others = set result.ClaimedElsewhere
                let claimedElsewhere = group.Runs |> List.filter (fun job -> others.Contains(Job.nameOf job))
                report (TrainedElsewhere [ for job in claimedElsewhere -> job.Run.Name ])
                queue.RunsEnded claimedElsewhere)
        | CountCosts ->
            match worker.CountCosts(trained report) with
            | Finished costs ->
                costs |> List.iter ModelCost.Note
                lock state (fun () -> state.UpdateTables())
                Finished(queue.CostsEnded())
            | Crashed how -> Crashed how
            | Unusable why -> Unusable why

    /// Records a crash in a folder, unless another sweep has claimed it in the meantime.
    let record (folder: RunFolder) (why: string) =
        try
            match RunLeases().TryTake folder.Path with
            | null, _ -> ()
            | own, _ ->
                use _ = own
                folder.WriteCrash why
        with
        | :? IOException
        | :? UnauthorizedAccessException as error ->
            lock state (fun () -> state.Failures.Add([], [ $"The failure cannot be recorded in {folder.Path}: {error.Message}" ]))

    let giveUp (observer: TrainingEvent -> unit) (assignment: Assignment) (how: ProcessExit) (sequel: CrashOutcome) =
        match sequel, assignment with
        | RunGivenUp job, _ ->
            let why = CrashMessages.reason how "run"
            record (RunFolder job.Folder) why
            observer (TrainingEvent.LaneEnded(job.Run.Name, RunResult(RunStatus.Failed, null, null, why)))
            lock state (fun () -> state.UpdateTables())
        | TeacherGivenUp _, PrepareTeacher(teacher, _) ->
            let why = CrashMessages.reason how "teacher"

            state.Store.TrainingFolder(teacher.Spec, teacher.Dataset)
            |> Option.ofObj
            |> Option.iter (fun folder -> record folder why)

            lock state (fun () -> state.Failures.Add([ $"The teacher {teacher.Spec.Model.Name} could not be trained. {why}" ], []))
        | _ -> ()

    let noteDeath (report: SweepEvent -> unit) (worker: WorkerProcess) (assignment: Assignment) (how: ProcessExit) =
        let sequel = queue.ProcessEnded(assignment, how)

        if not stop.IsCancellationRequested then
            let incident = CrashMessages.incident name worker.Id how assignment sequel

            let output =
                if worker.LastOutput = "" then
                    ""
                else
                    $"\nIts last output:\n{worker.LastOutput}"

            report (Message(incident + output))
            incidents.Add incident
            giveUp (trained report) assignment how sequel

    let noteLoss (report: SweepEvent -> unit) (assignment: Assignment) (why: string) =
        let never = queue.WorkerLost assignment

        if device.IsSole then
            raise (MissingException why)

        incidents.AddMissing $"{name}: {why}"

        if not stop.IsCancellationRequested then
            let after =
                if queue.Workers > 0 then
                    "The remaining workers take over."
                else
                    "No worker is left."

            report (Message $"{name}: the worker exited; interrupted: {CrashMessages.what assignment}. {after}")

            if not never.IsEmpty then
                incidents.Add $"Two workers exited while training {Job.names never}, so no other worker was given it. The same command retries it."

    /// A process that is ready, or the reason why there is none.
    let ready (observer: TrainingEvent -> unit) : Result<WorkerProcess * WorkerReady option, string> =
        let worker = running ()

        if isReady then
            Ok(worker, None)
        else
            match worker.AwaitReady observer with
            | Finished ready ->
                isReady <- true
                name <- if device.IsSole then ready.Device else name
                Ok(worker, Some ready)
            | Unusable why -> Error why
            | Crashed how -> Error(CrashMessages.startFailure how worker.LastOutput)

    /// Starts its first process.
    member _.Start() = running () |> ignore

    /// Waits until its first process is ready.
    /// <exception cref="MissingException">The process could not start.</exception>
    member _.AwaitReady(observer: TrainingEvent -> unit) : WorkerReady option =
        match ready observer with
        | Ok(_, ready) -> ready
        | Error _ when stop.IsCancellationRequested -> None
        | Error why -> raise (MissingException(if device.IsSole then why else $"{device}: {why}"))

    /// Does assignments until none is left, or until the device is lost.
    member _.Work(report: SweepEvent -> unit) =
        let own = trained report

        let rec next () =
            match queue.Take() with
            | None -> report (Idle index)
            | Some assignment ->
                match ready own with
                // Stopped before it was ready.
                | Error _ when stop.IsCancellationRequested -> report (Idle index)
                | Error why -> lose assignment why
                | Ok(worker, _) ->
                    match perform report worker assignment with
                    | Finished() -> next ()
                    | Unusable why -> lose assignment why
                    | Crashed how ->
                        noteDeath report worker assignment how
                        release ()
                        next ()

        and lose assignment why =
            noteLoss report assignment why
            report (Idle index)

        next ()

    /// Asks its process to save the state of its runs and exit.
    member _.Stop() = lock gate (fun () -> current |> Option.iter _.Stop())

    interface IDisposable with
        member _.Dispose() = release ()
