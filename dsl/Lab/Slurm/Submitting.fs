/// Puts what is left of a sweep into the scheduler's queue.
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

/// An array of cohorts that the scheduler has now.
type Submitted =
    {
        Submission: Submission
        Elements: int
        /// Kinds of jobs and their numbers, in the order in which they run.
        Jobs: (JobKind * string) list
    }

let private write (program: Script.Program) (settings: SlurmSettings) (plan: Plan) (cohorts: Job list list) (submission: Submission) =
    Directory.CreateDirectory(Submission.logs submission) |> ignore
    // As it is now: the file may change while jobs wait, and settings of the command line are in it.
    AtomicFile.WriteText(Submission.experimentFile submission, ExperimentCodec.codec.Write plan.Experiment |> Emit.document)
    Submission.writeCohorts submission (cohorts |> List.map (List.map Job.nameOf))

    for kind in [ Teachers; Train; Tables ] do
        File.WriteAllText(Submission.scriptFile submission kind, Script.render program settings submission kind cohorts.Length)

/// One process at a time: two that ask the queue at once would both submit what is missing.
let private alone (experimentFolder: string) (work: unit -> 'result) : 'result =
    let folder = Submission.parentOf experimentFolder

    match RunLeases().TryTake folder with
    | null, other -> raise (UsageError $"{other} is submitting this experiment just now. Repeat the command in a moment.")
    | own, _ ->
        use _ = own
        work ()

/// What a node may not be able to get: data and checkpoints come now. Also writes the tables and plan.json, which say what is to come.
let private prepare (options: SweepOptions) (plan: Plan) (work: Work) (stop: CancellationToken) =
    let specs = work.Cohorts |> List.concat |> List.map _.Run.Spec
    Prerequisites.checkTeachers options.Workspace work.Teachers
    Prerequisites.fetch options.Workspace options.Quiet (specs |> List.map _.Dataset) work.Teachers stop
    let folder = Sweep.folderOf options.Out plan
    let jobs, layout = SweepTables.layout options plan Layouts.counted (Layouts.known (PlanReader.read folder))
    ResultTables.write folder (ResultTables.collect folder layout) (Listing.ofJobs options.Lanes jobs) |> ignore

/// All or nothing: after an error, what was submitted before it goes again. Jobs that cannot be cancelled keep their folders.
/// <param name="unsure">The name of the job whose submission failed: Slurm may have taken it and not said so, where sbatch was interrupted or waited too long.</param>
/// <exception cref="MissingException">They cannot; with the error before.</exception>
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
                $"{before.Message}\nWhat was submitted before that could not be cancelled: {error.Message}\nTake it from the queue: {left}",
                before
            )
        )

    for submission in submissions do
        try
            Directory.Delete(submission.Folder, true)
        with
        | :? IOException
        | :? UnauthorizedAccessException -> () // It was not yet made; or it stays, and does no harm.

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
        // Several arrays only where the cluster's are too small for all cohorts.
        let arrays =
            work.Cohorts
            |> List.chunkBySize (Commands.mostElements ())
            |> List.map (fun cohorts ->
                let submission = Submission.at folder (Submission.newId DateTime.UtcNow)
                written.Add submission
                write program settings plan cohorts submission
                submission, cohorts)

        let earlier kind = work.Entries |> List.filter (fun entry -> entry.Kind = kind) |> List.map _.Job |> List.distinct

        let teachers =
            if work.TeachersFirst then
                [ submit (fst arrays.Head) Teachers (earlier Teachers) ]
            else
                []

        let trained =
            [ for submission, cohorts in arrays ->
                  { Submission = submission
                    Elements = cohorts.Length
                    Jobs = [ submit submission Train (earlier Teachers @ List.map snd teachers) ] } ]

        // What is with the scheduler already is in these tables too.
        let tables = submit (fst (List.last arrays)) Tables (earlier Train @ [ for array in trained -> snd array.Jobs.Head ])

        trained
        |> List.mapi (fun index array ->
            { array with
                Jobs = (if index = 0 then teachers else []) @ array.Jobs @ (if index = trained.Length - 1 then [ tables ] else []) })
    with error ->
        takeBack (List.ofSeq submitted) unsure.Value (List.ofSeq written) error
        // A terminal interrupts Slurm's commands as well.
        stop.ThrowIfCancellationRequested()
        reraise ()

/// Submits what is not trained and not queued.
/// <returns>What there was to do, and the arrays that do it.</returns>
/// <exception cref="UsageError">Another process submits it just now.</exception>
/// <exception cref="MissingException">Data, teachers or Slurm are missing; nothing is submitted.</exception>
let run (options: SweepOptions) (program: Script.Program) (settings: SlurmSettings) (plan: Plan) (stop: CancellationToken) : Work * Submitted list =
    let folder = Sweep.folderOf options.Out plan
    Writing.require folder

    let look () =
        let work = Work.find options plan (Queue.read folder)
        work, work.EndingJobs

    let pause () =
        stop.WaitHandle.WaitOne 2000 |> ignore
        stop.ThrowIfCancellationRequested()

    let say (sentence: string) =
        if not options.Quiet then
            printfn "%s" sentence

    alone folder (fun () ->
        let work = Settling.wait TimeProvider.System pause say look

        if work.Cohorts.IsEmpty then
            work, []
        else
            prepare options plan work stop
            work, submitAll program settings plan folder work stop)

/// Takes everything of an experiment from the queue; what runs saves its state first.
/// <returns>What was there.</returns>
/// <exception cref="UsageError">Another process submits it just now.</exception>
let cancel (experimentFolder: string) : QueueEntry list =
    let all () =
        let entries = Queue.read experimentFolder

        if not entries.IsEmpty then
            Commands.cancel (entries |> List.map _.Job |> List.distinct)

        entries

    // Who has submitted anything, or does, has made the folder.
    if Directory.Exists(Submission.parentOf experimentFolder) then
        alone experimentFolder all
    else
        all ()
