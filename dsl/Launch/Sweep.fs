namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading
open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Progress
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Records
open ChannelDistillation.Specs
open ChannelDistillation.Teachers
open ChannelDistillation.Training

type SweepOptions =
    {
        Workspace: Workspace
        /// Where experiments put their folders; absolute.
        Out: string
        /// A pattern of run names or variants.
        Only: string option
        /// `auto`, `cpu`, `cuda` or `cuda:N`.
        Device: string
        /// Most runs in a cohort.
        Lanes: int
        Threads: int option
        Computing: Computing
        RetryFailed: bool
        Quiet: bool
        /// This sweep as one would type it, for the tables.
        Command: string option
        /// Of several processes that share the sweep, what this one does.
        Part: Part
        /// None: from where datasets lie. Tests train on tiny ones of their own.
        OpenDataset: (DatasetSpec -> Data.Dataset) option
    }

type Outcome =
    {
        Results: Results
        /// Where every run of the plan stands now.
        Jobs: Job list
        /// Those of them that were asked for.
        Chosen: Job list
        Files: string list
        Interrupted: bool
        /// Why some runs could not start.
        Obstacles: string list
        /// What is not there, and files that could not be written.
        Missing: string list
        /// What a person should know of the data, such as broken files.
        Remarks: string list
        /// What is to be known before the table is believed.
        Warnings: string list
        Elapsed: TimeSpan
    }

/// Trains what an experiment declares and is not yet trained.
module Sweep =
    let folderOf (out: string) (plan: Plan) = Path.Combine(out, plan.Experiment.Name)

    let private isEnded (now: Job list) (job: Job) =
        now |> List.exists (fun other -> other.Folder = job.Folder && not (RunState.needsTraining false other.State))

    /// Writes plan.json and the tables as the runs stand now.
    let writeTables (options: SweepOptions) (plan: Plan) (known: IReadOnlyDictionary<string, EpochErrors>) =
        let folder = folderOf options.Out plan
        let now = Job.ofPlan folder plan
        // A part of a sweep has no command of its own.
        let earlier = PlanFile.read folder |> Option.bind _.Command
        let layout = { Layouts.ofPlan plan now known with Command = Option.orElse earlier options.Command }
        let results = Tables.collect folder layout
        now, results, Tables.write folder results (PlanFile.render layout (Listing.ofJobs options.Lanes now))

    let run (options: SweepOptions) (plan: Plan) (stop: CancellationToken) : Outcome =
        let clock = Stopwatch.StartNew()
        let folder = folderOf options.Out plan
        let plan = Part.ofPlan options.Part plan
        Writing.require folder
        AtomicFile.RemoveAbandoned folder
        let jobs = Job.ofPlan folder plan

        let chosen = Job.chosen options.Only jobs

        let pending =
            if options.Part = TablesOnly then
                []
            else
                chosen |> List.filter (fun job -> RunState.needsTraining options.RetryFailed job.State)

        let cohorts = Job.cohorts options.Lanes pending
        let store = TeacherStore options.Workspace
        let known = Layouts.knownErrors (PlanFile.read folder)
        let needed = pending |> List.choose (fun job -> Teachers.ofRun job.Run) |> List.distinctBy _.Key

        let report = Reports.Occasionally()

        // Called after each cohort, so that the tables are true at any moment.
        let writeTables () =
            match options.Part with
            | RunsOf _ -> Job.ofPlan folder plan, Tables.collect folder (Layouts.ofPlan plan [] known), Ok []
            | _ ->
                let now, results, written = writeTables options plan known
                report.Write(folder, results)
                now, results, written

        let troubles = Troubles folder
        let remarks = ResizeArray<string>()
        let warnings = ResizeArray<string>(TeacherCheck.replaced options.Workspace chosen)
        let evaluated = HashSet<string>()

        let training =
            lazy
                (options.Threads |> Option.iter Devices.UseThreads

                 TrainingOptions(
                     options.Workspace,
                     Computing.choose options.Device options.Computing,
                     FitLanes = options.Computing.FitLanes,
                     OpenDataset =
                         Func<_, _>(options.OpenDataset |> Option.defaultValue (fun dataset -> DatasetStore.Open(dataset, options.Workspace))),
                     SaveEvery = TimeSpan.FromMinutes plan.Experiment.CheckpointMinutes,
                     Remark = Action<string> remarks.Add
                 ))

        Bring.checkTeachers options.Workspace needed

        if not pending.IsEmpty then
            training.Force() |> ignore

        writeTables () |> ignore

        try
            Bring.fetch options.Workspace options.Quiet (pending |> List.map _.Run.Spec.Dataset) needed stop
        with :? OperationCanceledException ->
            ()

        Progress.during options.Quiet cohorts.Length (fun progress ->
            if not options.Quiet && not pending.IsEmpty && not stop.IsCancellationRequested then
                progress.Say $"Training {pending.Length} of {jobs.Length} runs on {training.Value.Device}."

                pending
                |> List.map _.Run.Spec.Dataset
                |> List.distinct
                |> List.collect (fun dataset -> List.ofSeq (DatasetStore.HowItIsRead(dataset, options.Workspace)))
                |> List.distinct
                |> List.iter progress.Say

            // Cheap where nothing changed: the store keeps the errors of each checkpoint.
            let evaluate (teacher: Teachers.PlannedTeacher) =
                if
                    not stop.IsCancellationRequested
                    && store.IsThere(teacher.Spec, teacher.Dataset)
                    && DatasetStore.IsThere(teacher.Dataset, options.Workspace)
                then
                    let errors = store.Errors(teacher.Spec, teacher.Dataset, training.Value, stop)
                    known[teacher.Key] <- errors

                    if evaluated.Add teacher.Key then
                        if not options.Quiet then
                            progress.Say(TeacherCheck.row teacher errors)

                        match TeacherCheck.warning options.Workspace plan teacher errors with
                        | Some warning ->
                            warnings.Add warning
                            progress.Say warning
                        | None -> ()

            let evaluateTeacher teacher =
                try
                    // Of many processes that need the same teacher, the one that trains it evaluates it too.
                    if not options.Part.IsRunsOf then
                        evaluate teacher
                with :? OperationCanceledException ->
                    ()

            /// One that cannot be read keeps only the runs back that learn from it.
            let tryEvaluateTeacher teacher = troubles.Around () (fun () -> evaluateTeacher teacher)

            /// The lanes that can start: without their teacher, those that need none.
            let ready (cohort: Job list) =
                troubles.Around (cohort |> List.filter (fun job -> isNull job.Run.Spec.Teacher)) (fun () ->
                    for teacher in cohort |> List.choose (fun job -> Teachers.ofRun job.Run) |> List.distinctBy _.Key do
                        if not stop.IsCancellationRequested then
                            Bring.train store options.RetryFailed training.Value progress teacher stop
                            evaluateTeacher teacher
                            writeTables () |> ignore

                    cohort)

            // Before hours are spent on what it says.
            for teacher in needed do
                if isNull teacher.Spec.Train then
                    tryEvaluateTeacher teacher

            let train (runs: (Job * Ownership) list) =
                let lanes = [| for job, own in runs -> LaneSpec(job.Run.Name, job.Run.Spec, job.Folder, IsOurs = (fun () -> own.IsHeld)) |]

                try
                    troubles.Around () (fun () -> CohortTrainer.Train(lanes, training.Value, progress, stop))
                finally
                    writeTables () |> ignore

            if options.Part = TeachersOnly then
                cohorts |> List.iter (ready >> ignore)
            else
                let sharing = Sharing(options.RetryFailed, troubles, progress.Say, stop)
                pending |> sharing.Each (Job.cohorts options.Lanes) ready train

            // Those of rows that were complete before this sweep.
            Teachers.ofPlan plan |> List.iter tryEvaluateTeacher)

        let now, results, written = writeTables ()

        let files, unwritten =
            match written, Reports.write TableOptions.Default folder results with
            | Ok files, Ok report -> files @ [ report ], []
            | Ok files, Error reason -> files, [ reason ]
            | Error reason, Ok _ -> [], [ reason ]
            | Error reason, Error other -> [], [ reason; other ]

        let stoppedEarly = stop.IsCancellationRequested && pending |> List.exists (fun job -> not (isEnded now job))

        { Results = results
          Jobs = now
          Chosen = Job.chosen options.Only now
          Files = files
          Interrupted = stoppedEarly
          Obstacles = troubles.Failures
          Missing = troubles.Missing @ unwritten
          Remarks = List.distinct (List.ofSeq remarks)
          Warnings = List.ofSeq warnings @ Option.toList (Job.withoutWeights (Job.chosen options.Only now))
          Elapsed = clock.Elapsed }
