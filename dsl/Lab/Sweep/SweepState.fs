namespace ChannelDistillation.Lab.Sweep

open System
open System.Collections.Generic
open System.IO
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs

/// The result of writing the tables of a sweep.
type WrittenTables =
    {
        /// Every run of the plan in its current state.
        Jobs: Job list
        Results: Results
        Files: string list
        /// Why some files could not be updated.
        Unwritten: string list
    }

module SweepTables =
    /// The runs in their current state, and the layout of their tables.
    let layout (options: SweepOptions) (plan: Plan) cost (known: Layouts.Known) =
        let folder = Path.Combine(options.Out, plan.Experiment.Name)
        let now = Job.find options.Share folder plan
        // A part of a sweep keeps the command of its sweep.
        now, { Layouts.ofPlan cost plan now known with Command = Option.orElse known.Command options.Command }

/// The state of a running sweep: the pending runs, and the warnings and failures so far. It writes the tables.
/// <param name="plan">The part of the experiment's plan that this process handles.</param>
/// <exception cref="UsageError">The experiment's folder is not writable, or no run matches `--only`.</exception>
[<Sealed>]
type SweepState(options: SweepOptions, plan: Plan) =
    let folder = Path.Combine(options.Out, plan.Experiment.Name)

    do
        Writing.require folder
        AtomicFile.RemoveAbandoned folder

    let planned = Retraining.plan options folder plan
    let jobs, retrained = planned.Jobs, planned.Retrained
    let chosen = Job.chosen options.Only jobs

    let pending =
        if options.Part = TablesOnly then
            []
        else
            chosen |> List.filter (fun job -> RunState.needsTraining options.RetryFailed job.State)

    let store = TeacherStore options.Workspace
    let known = Layouts.known (PlanReader.read folder)
    let interval = TimeShareLimiter(0.01, TimeProvider.System)
    let mutable isChanged = true
    let mutable last: WrittenTables option = None
    let remarks = List<string>()
    // The parts of a sweep rely on the process that divided it.
    let outdated =
        if options.Part.Names.IsSome then
            []
        else
            Outdated.ofJobs options.Workspace (SweepOptions.openDataset options) jobs |> List.map snd

    let warnings =
        List<string>(
            [ yield! Outdated.warnings outdated
              if options.Part.Names.IsNone then
                  yield! Outdated.teachers options.Workspace jobs
              yield! Option.toList (Retraining.nothing options planned) ]
        )

    let evaluated = HashSet<string>()

    /// Remarks on how a dataset is read. An unusable dataset is reported later, when its runs start.
    let remarksOn dataset =
        try
            match DatasetStore.Survey(dataset, options.Workspace) with
            | null -> []
            | survey -> List.ofSeq survey.Remarks
        with :? MissingException ->
            []

    let training =
        lazy
            (options.Threads |> Option.iter Devices.UseThreads

             TrainingOptions(
                 options.Workspace,
                 ComputeSettings.choose options.Device options.ComputeSettings,
                 Layout = options.ComputeSettings.Layout,
                 FitLanes = options.ComputeSettings.FitLanes,
                 OpenDataset = Func<_, _>(SweepOptions.openDataset options),
                 SaveEvery = TimeSpan.FromMinutes plan.Experiment.CheckpointMinutes,
                 Remark = Action<string> remarks.Add
             ))

    member _.Options = options
    member _.Plan = plan
    member _.Folder = folder
    /// Every run of the plan.
    member _.Jobs = jobs
    /// The runs selected with `--only`.
    member _.Chosen = chosen
    /// The selected runs that need training.
    member _.Pending = pending
    /// The completed runs that are trained again; they are still in their folders.
    member _.Retrained = retrained
    member _.Store = store
    /// The training options of this process. Created on first use, because a sweep with nothing to train needs no device.
    member _.Training = training.Value
    /// The cost of a network, for the tables. A process with workers does not run networks itself.
    member val Cost = Layouts.counted with get, set

    /// Whether the costs of all networks are known, or no tables are written.
    member _.KnowsCosts =
        let isKnown () =
            let layout = Layouts.ofPlan Layouts.knownCost plan jobs known

            layout.Teachers |> List.forall _.Cost.IsSome
            && layout.Rows |> List.forall (fun row -> row.Cost.IsSome || row.Folders.IsEmpty)

        options.Part.Names.IsSome || isKnown ()

    /// The teachers of the pending runs.
    member val Teachers = pending |> Seq.map _.Run |> Teachers.ofRuns
    member val Failures = Failures folder
    member _.Remarks = remarks
    member _.Warnings = warnings

    /// Writes plan.json, the tables and the report, unless nothing can have changed since the last time. A process that trains a share of the runs writes none.
    member this.WriteTables() : WrittenTables =
        match last with
        | Some written when pending.IsEmpty && not isChanged -> written
        | _ when options.Part.Names.IsSome ->
            { Jobs = Job.find options.Share folder plan
              Results = ResultTables.collect folder (Layouts.ofPlan Layouts.knownCost plan [] known)
              Files = []
              Unwritten = [] }
        | _ ->
            interval.Measure(fun () ->
                let jobs, layout = SweepTables.layout options plan this.Cost known
                let results = ResultTables.collect folder layout |> ResultTables.noting outdated
                let listed = Listing.ofJobs options.Lanes jobs
                let files = ResultTables.files folder @ [ Reports.fileOf folder ]
                let digest () = SummaryCache.digest folder results listed files

                let written, unwritten =
                    if last.IsNone && SummaryCache.isCurrent folder listed.Length digest then
                        files, []
                    else
                        let tables = ResultTables.write folder results listed
                        let report = Reports.write TableOptions.Default folder results
                        SummaryCache.save folder listed digest
                        let written = [ tables; Result.map List.singleton report ]

                        written |> List.collect (Result.defaultValue []),
                        written
                        |> List.choose (function
                            | Error reason -> Some reason
                            | Ok _ -> None)

                let written = { Jobs = jobs; Results = results; Files = written; Unwritten = unwritten }

                isChanged <- not unwritten.IsEmpty
                last <- Some written
                written)

    /// Writes the tables after a change, but limited to 1 % of the time: with thousands of runs, writing after every cohort would take longer than training.
    member this.UpdateTables() =
        isChanged <- true

        if interval.IsOver then
            this.WriteTables() |> ignore

    /// Records a teacher's errors. Reports them, and a warning if they are suspicious, once per teacher.
    member _.Note (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) (say: string -> unit) =
        match known.Errors.TryGetValue teacher.Key with
        | true, before when before = errors -> ()
        | _ ->
            known.Errors[teacher.Key] <- errors
            isChanged <- true

        if evaluated.Add teacher.Key && not options.Part.IsTeachersOf then
            if not options.Quiet then
                say (TeacherCheck.row teacher errors)

            match TeacherCheck.warning options.Workspace plan teacher errors with
            | Some warning ->
                warnings.Add warning
                say warning
            | None -> ()

    /// Whether this process evaluates teachers. Of several processes that need the same teacher, only the one that trains it does.
    member _.EvaluatesTeachers = options.Part.Names.IsNone || options.Part.IsForTeachers

    /// Records the errors of every teacher of the plan that has been evaluated.
    member this.RecordTeacherErrors(say: string -> unit) =
        if this.EvaluatesTeachers then
            for teacher in Teachers.ofPlan plan do
                store.KnownErrors(teacher.Spec, teacher.Dataset)
                |> Option.ofObj
                |> Option.iter (fun errors -> this.Note teacher errors say)

    /// Reports the start of training.
    /// <param name="where">The devices.</param>
    /// <param name="obstacles">Why bfloat16 is not faster there.</param>
    /// <param name="hint">A hint about the automatic choice of the device.</param>
    member _.Announce (where: string) (obstacles: Lazy<string list>) (hint: string option) (say: string -> unit) =
        if not options.Quiet then
            Retraining.note folder retrained |> Option.iter say
            say $"Training {pending.Length} of {jobs.Length} runs on {where}."

            pending |> List.map _.Run.Spec.Dataset |> List.distinct |> List.collect remarksOn |> List.distinct |> List.iter say
            warnings |> Seq.iter say

            pending |> List.map _.Run.Spec |> PrecisionWarnings.warnings obstacles |> List.iter say

        Option.iter say hint
