/// Trains a sweep in this process.
module ChannelDistillation.Lab.Sweep.LocalSweep

open System
open System.Threading
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// Cheap if nothing changed, because the store caches the errors of each checkpoint.
let private evaluate (state: SweepState) (observer: TrainingEvent -> unit) (stop: CancellationToken) (teacher: Teachers.PlannedTeacher) =
    try
        if
            state.EvaluatesTeachers
            && not stop.IsCancellationRequested
            && state.Store.Exists(teacher.Spec, teacher.Dataset)
            && DatasetStore.Exists(teacher.Dataset, state.Options.Workspace)
        then
            let errors = state.Store.Errors(teacher.Spec, teacher.Dataset, state.Training, stop)
            state.Note teacher errors (fun text -> observer (TrainingEvent.Message text))
    with :? OperationCanceledException ->
        ()

/// Trains the pending runs and evaluates the teachers. Returns the runs that it left to other sweeps.
let train (state: SweepState) (observer: TrainingEvent -> unit) (stop: CancellationToken) : Job list =
    let say text = observer (TrainingEvent.Message text)
    let options, failures = state.Options, state.Failures
    let cohorts = Job.cohorts options.Lanes

    /// An unreadable teacher stops only the runs that need it.
    let tryEvaluate teacher = failures.Around () (fun () -> evaluate state observer stop teacher)

    /// The lanes that can start. If a teacher is missing, those that need none.
    let ready (cohort: Job list) =
        failures.Around (cohort |> List.filter (fun job -> isNull job.Run.Spec.Teacher)) (fun () ->
            for teacher in cohort |> List.choose (fun job -> Teachers.ofRun job.Run) |> List.distinctBy _.Key do
                if not stop.IsCancellationRequested then
                    Prerequisites.train state.Store options.RetryFailed state.Training observer teacher stop
                    evaluate state observer stop teacher
                    state.UpdateTables()

            cohort)

    let work (runs: (Job * RunLease) list) =
        let lanes =
            [| for job, own in runs -> LaneSpec(job.Run.Name, job.Run.Spec, job.Folder, IsLeaseHeld = (fun () -> own.IsHeld)) |]

        try
            failures.Around () (fun () -> CohortTrainer.Train(lanes, state.Training, observer, stop))
        finally
            state.UpdateTables()

    if not state.Pending.IsEmpty && not stop.IsCancellationRequested then
        let device = state.Training.Device
        state.Announce device (PrecisionWarnings.obstacles [ device ]) (Option.ofObj (Devices.Hint options.Device)) say

    // Evaluated first, so that a wrong checkpoint is noticed before hours of training.
    for teacher in state.Teachers do
        if isNull teacher.Spec.Train then
            tryEvaluate teacher

    let claimedElsewhere =
        if options.Part.IsForTeachers then
            cohorts state.Pending |> List.iter (ready >> ignore)
            []
        else
            let sharing = RunClaims(options.RetryFailed, not options.Part.IsUnclaimedRunsOf, failures, say, stop)
            sharing.Each cohorts ready work state.Pending
            sharing.ClaimedElsewhere

    // Also the teachers of rows that were complete before this sweep.
    Teachers.ofPlan state.Plan |> List.iter tryEvaluate
    claimedElsewhere
