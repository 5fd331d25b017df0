/// Submits the remaining runs of a sweep to the scheduler.
module ChannelDistillation.Lab.Slurm.Submitting

open System
open System.IO
open System.Threading
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep

/// A submitted array of cohorts.
type Submitted =
    {
        Submission: Submission
        Elements: int
        /// The jobs by kind and number, in the order in which they run.
        Jobs: (JobKind * string) list
    }

let private write (program: Script.Program) (settings: SlurmSettings) (plan: Plan) (cohorts: Job list list) (submission: Submission) =
    Directory.CreateDirectory(Submission.logs submission) |> ignore
    // A copy, because the file may change while jobs wait; it includes the overrides of the command line.
    AtomicFile.WriteText(Submission.experimentFile submission, ExperimentCodec.codec.Write plan.Experiment |> Emit.document)
    Submission.writeCohorts submission (cohorts |> List.map (List.map Job.nameOf))

    for kind in [ Teachers; Train; Tables ] do
        File.WriteAllText(Submission.scriptFile submission kind, Script.render program settings submission kind cohorts.Length)

/// Runs the work in one process at a time: two that query the queue at once would both submit the missing runs.
let private alone (experimentFolder: string) (work: unit -> 'result) : 'result =
    let folder = Submission.parentOf experimentFolder

    match RunLeases().TryTake folder with
    | null, other -> raise (UsageError $"{other} is submitting this experiment. Repeat the command in a moment.")
    | own, _ ->
        use _ = own
        work ()

/// Fetches data and checkpoints, which a node may not be able to download. Also writes plan.json and the tables, which list the planned runs.
let private prepare (options: SweepOptions) (plan: Plan) (work: Work) (stop: CancellationToken) =
    let specs = work.Cohorts |> List.concat |> List.map _.Run.Spec
    Prerequisites.checkTeachers options.Workspace work.Teachers

    for warning in Prerequisites.checkTeacherFiles options.Workspace work.Teachers do
        eprintfn "Warning: %s" warning

    Prerequisites.fetch options.Workspace options.Quiet (specs |> List.map _.Dataset) work.Teachers stop
    let folder = Sweep.folderOf options.Out plan
    Retraining.setAside folder work.Retrained
    let jobs, layout = SweepTables.layout options plan Layouts.counted (Layouts.known (PlanReader.read folder))
    ResultTables.write folder (ResultTables.collect folder layout) (Listing.ofJobs options.Lanes jobs) |> ignore

/// After an error, cancels the jobs that were submitted before it. Jobs that cannot be cancelled keep their folders.
/// <param name="unsure">The name of the job whose submission failed. Slurm may still have accepted it, if sbatch was interrupted or timed out.</param>
/// <exception cref="MissingException">The jobs cannot be cancelled; with the original error.</exception>
let private takeBack (jobs: string list) (unsure: string option) (submissions: Submission list) (before: exn) =
    try
        if not jobs.IsEmpty then
            Commands.cancel jobs

        unsure |> Option.iter Commands.cancelNamed
    with :? MissingException as error ->
        let left =
            [ if not jobs.IsEmpty then
                  "scancel " + String.concat " " jobs
              for name in Option.toList unsure do
                  $"scancel --name={name}" ]
            |> String.concat "; "

        raise (
            MissingException(
                $"{before.Message}\nThe jobs submitted before this error could not be cancelled: {error.Message}\nCancel them manually: {left}",
                before
            )
        )

    for submission in submissions do
        try
            Directory.Delete(submission.Folder, true)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> () // It does not exist yet, or remains without harm.

/// The cohorts of each array: several arrays only if all cohorts exceed the cluster's maximum array size.
let arrays (work: Work) : Job list list list =
    if work.Cohorts.IsEmpty then
        []
    else
        work.Cohorts |> List.chunkBySize (Commands.mostElements ())

let private entriesOf kind (work: Work) = work.Entries |> List.filter (fun entry -> entry.Kind = kind)
let private jobsOf kind (work: Work) = entriesOf kind work |> List.map _.Job |> List.distinct

/// Submits the job for the tables of queued runs that have none, because Slurm refused it or was interrupted.
let private completeTables (work: Work) : Submitted list =
    match entriesOf Train work, entriesOf Tables work with
    | [], _
    | _, _ :: _ -> []
    | queued, [] ->
        let submission = (List.last queued).Submission

        [ { Submission = submission
            Elements = 0
            Jobs = [ Tables, Commands.submit (Submission.scriptFile submission Tables) (jobsOf Train work) ] } ]

let private submitAll
    (program: Script.Program)
    (settings: SlurmSettings)
    (plan: Plan)
    (folder: string)
    (work: Work)
    (stop: CancellationToken)
    : Submitted list =
    let unsure = ref None
    let submitted = ResizeArray<string>()
    let written = ResizeArray<Submission>()

    let submit submission kind after =
        stop.ThrowIfCancellationRequested()
        unsure.Value <- Some(Submission.jobName submission kind)
        let job = Commands.submit (Submission.scriptFile submission kind) after
        submitted.Add job
        unsure.Value <- None
        kind, job

    try
        let arrays =
            arrays work
            |> List.map (fun cohorts ->
                let submission = Submission.at folder (Submission.newId DateTime.UtcNow)
                written.Add submission
                write program settings plan cohorts submission
                submission, cohorts)

        let teachers =
            if work.TeachersFirst then
                [ submit (fst arrays.Head) Teachers (jobsOf Teachers work) ]
            else
                []

        let trained =
            [ for submission, cohorts in arrays ->
                  { Submission = submission
                    Elements = cohorts.Length
                    Jobs = [ submit submission Train (jobsOf Teachers work @ List.map snd teachers) ] } ]

        // These tables also include the runs that are already queued.
        let tables = submit (fst (List.last arrays)) Tables (jobsOf Train work @ [ for array in trained -> snd array.Jobs.Head ])

        trained
        |> List.mapi (fun index array ->
            { array with
                Jobs = (if index = 0 then teachers else []) @ array.Jobs @ (if index = trained.Length - 1 then [ tables ] else []) })
    with error ->
        takeBack (List.ofSeq submitted) unsure.Value (List.ofSeq written) error
        // Ctrl+C interrupts Slurm's commands too.
        stop.ThrowIfCancellationRequested()
        reraise ()

/// Submits the runs that are neither trained nor queued.
/// <returns>The remaining work, and the submitted arrays.</returns>
/// <exception cref="UsageError">Another process is submitting the experiment.</exception>
/// <exception cref="MissingException">Data, teachers or Slurm are missing; nothing was submitted.</exception>
let run (options: SweepOptions) (program: Script.Program) (settings: SlurmSettings) (plan: Plan) (stop: CancellationToken) : Work * Submitted list =
    let folder = Sweep.folderOf options.Out plan
    Writing.require folder

    let look () =
        let work = Work.find options plan (Queue.read folder)
        work, work.EndingJobs

    let pause () =
        stop.WaitHandle.WaitOne 2000 |> ignore
        stop.ThrowIfCancellationRequested()

    let say (message: string) =
        if not options.Quiet then
            printfn "%s" message

    alone folder (fun () ->
        let work = Settling.wait TimeProvider.System pause say look

        if work.Cohorts.IsEmpty then
            work, completeTables work
        else
            prepare options plan work stop
            work, submitAll program settings plan folder work stop)

/// Cancels all jobs of an experiment; running ones save their state first.
/// <returns>The cancelled entries.</returns>
/// <exception cref="UsageError">Another process is submitting the experiment.</exception>
let cancel (experimentFolder: string) : QueueEntry list =
    let all () =
        let entries = Queue.read experimentFolder

        if not entries.IsEmpty then
            Commands.cancel (entries |> List.map _.Job |> List.distinct)

        entries

    // The folder exists if anything has been submitted, or is being submitted.
    if Directory.Exists(Submission.parentOf experimentFolder) then
        alone experimentFolder all
    else
        all ()
