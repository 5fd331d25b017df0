namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Generic
open System.IO
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Records
open ChannelDistillation.Teachers
open ChannelDistillation.Training

module SweepTables =
    /// Writes plan.json and the tables as the runs stand now.
    let write (options: SweepOptions) (plan: Plan) cost (known: Layouts.Known) =
        let folder = Path.Combine(options.Out, plan.Experiment.Name)
        let now = Job.ofPlan folder plan
        // A part of a sweep has no command of its own.
        let earlier = PlanFile.read folder |> Option.bind _.Command
        let layout = { Layouts.ofPlan cost plan now known with Command = Option.orElse earlier options.Command }
        let results = Tables.collect folder layout
        now, results, Tables.write folder results (PlanFile.render layout (Listing.ofJobs options.Lanes now))

/// A sweep that is going on: what there is to do, and what came to light so far. Whoever trains writes the tables through it.
/// <param name="plan">The part of the experiment's plan that is looked at.</param>
/// <exception cref="Refused">Nothing can be written to the experiment's folder, or no run is named so.</exception>
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
    let known = Layouts.known (PlanFile.read folder)
    let report = Reports.Occasionally()
    let remarks = List<string>()
    let warnings = List<string>(TeacherCheck.replaced options.Workspace chosen)
    let evaluated = HashSet<string>()

    let training =
        lazy
            (options.Threads |> Option.iter Devices.UseThreads

             TrainingOptions(
                 options.Workspace,
                 Computing.choose options.Device options.Computing,
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
    member val Teachers = pending |> List.choose (fun job -> Teachers.ofRun job.Run) |> List.distinctBy _.Key
    member val Troubles = Troubles folder
    member _.Remarks = remarks
    member _.Warnings = warnings

    /// Writes plan.json and the tables as the runs stand now; of a share of the runs there are none. Called after each cohort, so that they are
    /// true at any moment.
    member this.WriteTables() : Job list * Results * Result<string list, string> =
        if options.Part.Names.IsSome then
            Job.ofPlan folder plan, Tables.collect folder (Layouts.ofPlan Layouts.knownCost plan [] known), Ok []
        else
            let now, results, written = SweepTables.write options plan this.Cost known
            report.Write(folder, results)
            now, results, written

    /// Notes a teacher's own errors, and says them and what is strange about them, once.
    member _.Note (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) (say: string -> unit) =
        known.Errors[teacher.Key] <- errors

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

            pending
            |> List.map _.Run.Spec.Dataset
            |> List.distinct
            |> List.collect (fun dataset -> List.ofSeq (DatasetStore.HowItIsRead(dataset, options.Workspace)))
            |> List.distinct
            |> List.iter say

            pending |> List.map _.Run.Spec |> Precisions.warnings obstacles |> List.iter say

        Option.iter say hint
