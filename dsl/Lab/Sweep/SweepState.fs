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

/// What was written of a sweep, and as what.
type WrittenTables =
    {
        /// Where every run of the plan stands.
        Jobs: Job list
        Results: Results
        Files: string list
        /// Why some files are still those of before.
        Unwritten: string list
    }

module SweepTables =
    /// The runs as they stand now, and what the tables show of them.
    let layout (options: SweepOptions) (plan: Plan) cost (known: Layouts.Known) =
        let folder = Path.Combine(options.Out, plan.Experiment.Name)
        let now = Job.ofPlan folder plan
        // A part of a sweep has no command of its own.
        now, { Layouts.ofPlan cost plan now known with Command = Option.orElse known.Command options.Command }

/// A sweep that is going on: what there is to do, and what came to light so far. Whoever trains writes the tables through it.
/// <param name="plan">The part of the experiment's plan that is looked at.</param>
/// <exception cref="UsageError">Nothing can be written to the experiment's folder, or no run is named so.</exception>
[<Sealed>]
type SweepState(options: SweepOptions, plan: Plan) =
    let folder = Path.Combine(options.Out, plan.Experiment.Name)

    do
        Writing.require folder
        AtomicFile.RemoveAbandoned folder

    let jobs = Job.ofPlan folder plan
    let chosen = Job.chosen options.Only jobs

    let pending =
        if options.Part = TablesOnly then
            []
        else
            chosen |> List.filter (fun job -> RunState.needsTraining options.RetryFailed job.State)

    let store = TeacherStore options.Workspace
    let known = Layouts.known (PlanReader.read folder)
    let interval = Interval(0.01, TimeProvider.System)
    let mutable isChanged = true
    let mutable last: WrittenTables option = None
    let remarks = List<string>()
    let warnings = List<string>(TeacherCheck.replaced options.Workspace chosen)
    let evaluated = HashSet<string>()

    /// How a dataset is read. One that cannot be used is said when its runs are to start.
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
                 Computing.choose options.Device options.Computing,
                 Layout = options.Computing.Layout,
                 FitLanes = options.Computing.FitLanes,
                 OpenDataset = Func<_, _>(options.OpenDataset |> Option.defaultValue (fun dataset -> DatasetStore.Open(dataset, options.Workspace))),
                 SaveEvery = TimeSpan.FromMinutes plan.Experiment.CheckpointMinutes,
                 Remark = Action<string> remarks.Add
             ))

    member _.Options = options
    member _.Plan = plan
    member _.Folder = folder
    /// Every run of the plan.
    member _.Jobs = jobs
    /// Those that were asked for.
    member _.Chosen = chosen
    /// Those of them that are to be trained.
    member _.Pending = pending
    member _.Store = store
    /// How this process trains. Made when it is first asked for: a sweep with nothing to train needs no device.
    member _.Training = training.Value
    /// What networks cost, for the tables. A process that leads workers does not run networks itself.
    member val Cost = Layouts.counted with get, set

    /// Whether all of that is known, or no tables are written.
    member _.KnowsCosts =
        let isKnown () =
            let layout = Layouts.ofPlan Layouts.knownCost plan jobs known

            layout.Teachers |> List.forall _.Cost.IsSome
            && layout.Rows |> List.forall (fun row -> row.Cost.IsSome || row.Folders.IsEmpty)

        options.Part.Names.IsSome || isKnown ()

    /// The teachers that these runs learn from.
    member val Teachers = pending |> Seq.map _.Run |> Teachers.ofRuns
    member val Failures = Failures folder
    member _.Remarks = remarks
    member _.Warnings = warnings

    /// Writes plan.json, the tables and the report as the runs stand now, unless they cannot be others than last time; of a share of the runs there are none.
    member this.WriteTables() : WrittenTables =
        match last with
        | Some written when pending.IsEmpty && not isChanged -> written
        | _ when options.Part.Names.IsSome ->
            { Jobs = Job.ofPlan folder plan
              Results = ResultTables.collect folder (Layouts.ofPlan Layouts.knownCost plan [] known)
              Files = []
              Unwritten = [] }
        | _ ->
            interval.Measure(fun () ->
                let jobs, layout = SweepTables.layout options plan this.Cost known
                let results, listed = ResultTables.collect folder layout, Listing.ofJobs options.Lanes jobs
                let files = ResultTables.files folder @ [ Reports.fileOf folder ]
                let digest () = SummaryCache.digest folder layout listed files

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

    /// The same after something has changed, but of thousands of runs not after every cohort: that would cost more than the training.
    member this.UpdateTables() =
        isChanged <- true

        if interval.IsOver then
            this.WriteTables() |> ignore

    /// Notes a teacher's own errors, and says them and what is strange about them, once.
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

    /// Whether teachers are evaluated here: of many processes that need the same one, the one that trains it does it.
    member _.EvaluatesTeachers = options.Part.Names.IsNone || options.Part.IsForTeachers

    /// The same for every teacher of the plan whose errors are on record.
    member this.NoteTeachers(say: string -> unit) =
        if this.EvaluatesTeachers then
            for teacher in Teachers.ofPlan plan do
                store.KnownErrors(teacher.Spec, teacher.Dataset)
                |> Option.ofObj
                |> Option.iter (fun errors -> this.Note teacher errors say)

    /// What is said of the start.
    /// <param name="where">What is trained on.</param>
    /// <param name="obstacles">Why bfloat16 does not pay there.</param>
    /// <param name="hint">What a person may want to know who left the choice of the device to the program.</param>
    member _.Announce (where: string) (obstacles: Lazy<string list>) (hint: string option) (say: string -> unit) =
        if not options.Quiet then
            say $"Training {pending.Length} of {jobs.Length} runs on {where}."

            pending |> List.map _.Run.Spec.Dataset |> List.distinct |> List.collect remarksOn |> List.distinct |> List.iter say

            pending |> List.map _.Run.Spec |> Precisions.warnings obstacles |> List.iter say

        Option.iter say hint
