module ChannelDistillation.Tests.Lab.Slurm.SweepTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Slurm

let private slurm = [ "slurm: { time: 60, cpus: 1, throttle: 2 }" ]

let private onCluster file = [ "sweep"; file; "--launcher"; "slurm"; "--threads"; "1" ]
let private here file = [ "sweep"; file; "--threads"; "1"; "--quiet" ]

/// Waits until a condition holds.
let private until (cluster: Cluster) (what: string) (holds: unit -> bool) =
    let clock = Stopwatch.StartNew()

    while not (holds ()) do
        if clock.Elapsed > TimeSpan.FromMinutes 4.0 then
            failtest $"""for four minutes in vain: {what}\n{cluster.Must "squeue --array --long; sinfo --long"}"""

        Thread.Sleep 200

/// Waits until every job has ended.
let private drain (cluster: Cluster) = until cluster "the queue is empty" (fun () -> cluster.Must "squeue --noheader" = "")

/// A project with an experiment, beside one in which the same experiment was swept on this machine.
let private withTwin (file: string) (text: string) (act: TemporaryFolder -> (unit -> unit) -> unit) =
    use root = new TemporaryFolder()
    use alone = new TemporaryFolder()

    for folder in [ root; alone ] do
        Project.make folder
        File.WriteAllText(folder.File file, text)

    let expectSame () =
        Project.must alone (here file) |> ignore
        let name = nonNull (Path.GetFileNameWithoutExtension file)
        Project.expectSame (Project.outcome alone name) (Project.outcome root name)

    act root expectSame

/// Where the sessions of the runs of a seed started: epoch and step.
let private sessions (root: TemporaryFolder) (experiment: string) (seed: int) =
    [ for folder in Directory.GetDirectories(root.File("runs/" + experiment), $"*-seed{seed}-*") |> Array.sort do
          [ for session in (RunFolder(folder).ReadRun()).["sessions"].AsArray() -> session["epoch"].GetValue<int>(), session["step"].GetValue<int>() ] ]

/// No saved progress was trained twice: every session started later than the previous one.
let private rises (places: (int * int) list) = places = List.sort (List.distinct places)

/// The number of finished epochs of the first run of a seed.
let private epochs (root: TemporaryFolder) (experiment: string) (seed: int) =
    [ for folder in Directory.GetDirectories(root.File("runs/" + experiment), $"one-seed{seed}-*") -> RunFolder(folder).ReadMetrics().Count ]
    |> List.fold max 0

/// Selects runs of two variants with seeds, one of which needs no teacher; then the rest.
let private partly (cluster: Cluster) =
    let text =
        Project.experiment "partly" "{ model: resnet8, train: { epochs: 1 } }" [ "one: [ce, kd]"; "two: [ce]" ] 1 "[0]" slurm

    withTwin "partly.yaml" text (fun root expectSame ->
        let part = Project.must root (onCluster "partly.yaml" @ [ "--only"; "two"; "--wait" ])
        Expect.isMatch part "^Submitted 1 cohort as job array \\d+; then job \\d+ writes the tables\\.\n" "without a teacher"
        Expect.stringContains part "1 of 2 runs completed, 1 unfinished" "followed to its end"
        let states = cluster.Must "scontrol show job | grep -o 'JobState=[A-Z]* ' | sort -u"
        Expect.equal states "JobState=COMPLETED" "every job ended well"
        Project.must root (onCluster "partly.yaml" @ [ "--wait" ]) |> ignore
        expectSame ())

/// A PATH in which squeue fails at the second query.
let private silentOnce (root: TemporaryFolder) =
    let folder = Directory.CreateDirectory(root.File "commands").FullName
    let squeue = Path.Combine(folder, "squeue")
    let path = Environment.GetEnvironmentVariable "PATH"

    File.WriteAllText(
        squeue,
        $"#!/bin/sh\necho >>'{folder}/asked'\n[ $(wc -l <'{folder}/asked') = 2 ] && {{ echo 'squeue: error: no answer' >&2; exit 1; }}\nPATH='{path}' exec squeue \"$@\"\n"
    )

    File.SetUnixFileMode(squeue, UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute)
    "PATH", $"{folder}:{path}"

let private equalResults (cluster: Cluster) =
    let text =
        Project.experiment "same" "{ model: resnet8, train: { epochs: 1 } }" [ "one: [ce, kd]"; "two: [ce]" ] 2 "[0, 1]" slurm

    withTwin "same.yaml" text (fun root expectSame ->
        let plan = Project.must root [ "plan"; "same.yaml"; "--launcher"; "slurm" ]

        Expect.stringContains
            plan
            "Slurm: sweep submits a job for the teachers, then an array of 2 elements for 4 runs, then a job that writes the tables.\nThe array's script:\n\n#!/usr/bin/env bash\n"
            "what would be submitted"

        // Environment variables that set options have no effect.
        let shell =
            [ "SBATCH_PARTITION", "nowhere"
              "SBATCH_ARRAY_INX", "7"
              "SQUEUE_STATES", "FAILED"
              "SQUEUE_PARTITION", "nowhere" ]

        let code, first = Project.runWith root shell (onCluster "same.yaml")
        Expect.equal code 0 first

        Expect.isMatch
            first
            "^Submitted 2 cohorts as job array \\d+, after job \\d+ for the teachers; then job \\d+ writes the tables\\.\n"
            "message"
        // A copy: later changes of the file make another experiment.
        File.WriteAllText(root.File "same.yaml", text.Replace("epochs: 2", "epochs: 2 # the same"))
        let code, second = Project.runWith root shell (onCluster "same.yaml")
        Expect.equal code 0 second
        Expect.stringStarts second "4 runs are already queued or training, with the settings they were submitted with.\n" "not submitted again"
        let code, followed = Project.runWith root [ silentOnce root ] (onCluster "same.yaml" @ [ "--wait" ])
        Expect.equal code 0 followed
        Expect.isMatch followed "the scheduler does not answer; retrying\n[\\d:]+  the scheduler answers again\n" "one question fails"
        Expect.stringContains followed "4 of 4 runs completed" "followed to the end"
        expectSame ()

        for seed in [ 0; 1 ] do
            Expect.equal (sessions root "same" seed) [ [ 1, 0 ]; [ 1, 0 ] ] "trained once"

        let again = Project.must root (onCluster "same.yaml")
        Expect.isFalse (again.Contains "Submitted") "nothing is left to submit")

let private disturbed (cluster: Cluster) =
    let text = Project.experiment "disturbed" "none" [ "one: [ce]" ] 16 "[0, 1, 2, 3]" slurm

    withTwin "disturbed.yaml" text (fun root expectSame ->
        Project.must root (onCluster "disturbed.yaml") |> ignore
        let array = (cluster.Must "squeue --noheader --format='%F %j' | grep train | head -1 | cut -d' ' -f1").Trim()

        let running seed = until cluster $"seed {seed} trains" (fun () -> epochs root "disturbed" seed > 0)

        running 0
        running 1
        cluster.Must $"scancel {array}_1" |> ignore
        cluster.Must $"scontrol requeue {array}_2" |> ignore
        // An epoch appears in the metrics just before it is saved.
        until cluster "seed 2 trains" (fun () -> epochs root "disturbed" 2 > 1)
        cluster.CutPower()
        drain cluster
        let rest = Project.must root (onCluster "disturbed.yaml")
        Expect.isMatch rest "^Submitted 1 cohort as job array \\d+; then job \\d+ writes the tables\\.\n" "only what was cancelled"
        drain cluster
        expectSame ()

        // Cancelled, requeued, and after a power cut: each was disturbed and resumed from its saved state.
        for seed in 0..2 do
            let places = (sessions root "disturbed" seed).Head
            Expect.isGreaterThan places.Length 1 $"seed {seed} was interrupted"
            Expect.isTrue (rises places) $"sessions of seed {seed}: %A{places}"

        // The power cut may have come before this run saved anything.
        Expect.all (sessions root "disturbed" 3) (fun places -> places = List.sort places) "sessions of seed 3"

        Expect.hasLength (sessions root "disturbed" 0).Head 2 "the cancelled one went on")

/// The signal before the time limit is sent manually here, because Slurm's limits are in minutes.
let private outOfTime (cluster: Cluster) =
    let text = Project.experiment "limited" "none" [ "one: [ce]" ] 16 "[0]" [ "slurm: { time: 60, cpus: 1, requeues: 2 }" ]

    withTwin "limited.yaml" text (fun root expectSame ->
        Project.must root (onCluster "limited.yaml") |> ignore

        let printed () =
            [ for log in Directory.GetFiles(root.File "runs/limited/slurm", "train-1.log", SearchOption.AllDirectories) -> File.ReadAllText log ]
            |> String.concat "\n"

        for turn in 1..2 do
            let before = epochs root "limited" 0

            until cluster $"turn {turn} trains" (fun () ->
                Expect.isNonEmpty (cluster.Queue "train") $"turn {turn} after {before} epochs; output:\n{printed ()}"
                epochs root "limited" 0 > before)

            cluster.Must "scancel --batch --signal=USR1 $(squeue --noheader --array --states=RUNNING --format=%i)" |> ignore

            until cluster $"turn {turn} is over" (fun () -> cluster.Queue "train" |> List.forall (fun (_, state) -> state = "PENDING"))
            Expect.equal (cluster.Queue "train" |> List.map snd) [ "PENDING" ] $"requeued; output:\n{printed ()}"

        drain cluster
        let logs = Directory.GetFiles(root.File "runs/limited/slurm", "tables.log", SearchOption.AllDirectories)
        Expect.stringContains (File.ReadAllText logs[0]) "1 of 1 runs completed" "the tables come last"
        expectSame ()

        Expect.stringContains
            (printed ())
            "Interrupted; everything is saved. It resumes when Slurm restarts this job; if Slurm does not, repeat the sweep: dotnet fsi build.fsx sweep limited.yaml --launcher slurm --threads 1\n"
            "a command that a person can type"

        let places = (sessions root "limited" 0).Head
        Expect.hasLength places 3 "three turns"
        Expect.isTrue (rises places) "each where the one before was")

let private thousand (cluster: Cluster) =
    let text =
        Project.experiment "many" "none" [ "one: [ce]" ] 1 ("[" + String.Join(", ", [ 0..999 ]) + "]") [ "slurm: { throttle: 50 }" ]

    use root = new TemporaryFolder()
    Project.make root
    File.WriteAllText(root.File "many.yaml", text)
    cluster.Must "scontrol update NodeName=localhost State=DRAIN Reason=test" |> ignore
    let printed = Project.must root (onCluster "many.yaml")
    Expect.isMatch printed "^Submitted 1000 cohorts as job array \\d+; then job \\d+ writes the tables\\.\n" "one array"
    Expect.hasLength (cluster.Queue "train") 1000 "elements"

    // Writes records as after half an hour, and reads all of them.
    let plan =
        match Experiments.load (root.File "many.yaml") [] true with
        | Ok(plan, _) -> plan
        | Error problems -> failtest (Render.text false problems)

    let experiment = root.File "runs/many"

    for index, run in List.indexed plan.Runs do
        let folder = RunFolder(Path.Combine(experiment, RunFolder.NameOf(run.Name, run.Spec)))
        folder.WriteStart(run.Name, run.Spec, "cpu", struct (1, 0))

        if index % 2 = 0 then
            let errors = EpochErrors(1, 50.0, 0.0)
            folder.WriteResult(RunResult(RunStatus.Completed, errors, errors, null))

    let queue = Queue.read experiment
    let (_, status), took = ProcessorTime.ofWork (fun () -> Status.read false (Job.ofPlan experiment plan) queue)
    Expect.equal (status.Completed, status.Waiting, status.Left) (500, 500, 0) "status"
    Expect.isLessThan took.TotalSeconds 2.0 "CPU time for the status of 1,000 runs"
    let cancelled = Project.must root [ "sweep"; "many.yaml"; "--cancel" ]

    Expect.equal
        cancelled
        "Cancelled 2 jobs with 1000 cohorts. Runs in training save their state; the same sweep resumes them.\n"
        "what was cancelled"

    drain cluster
    cluster.Must "scontrol update NodeName=localhost State=RESUME" |> ignore

let private refused (_: Cluster) =
    let text = Project.experiment "wrong" "none" [ "one: [ce]" ] 1 "[0]" [ "slurm: { partition: nowhere }" ]
    use root = new TemporaryFolder()
    Project.make root
    File.WriteAllText(root.File "wrong.yaml", text)
    let code, printed = Project.run root (onCluster "wrong.yaml")
    Expect.equal code 3 printed
    Expect.stringContains printed "Slurm's sbatch failed: sbatch: error: invalid partition specified: nowhere" "Slurm's message"
    let code, printed = Project.run root [ "sweep"; "wrong.yaml"; "--cancel" ]
    Expect.equal (code, printed) (0, "No job of wrong is queued.\n") "nothing was left in the queue"

/// The queue entries of deleted scripts, which only Slurm shows.
let private deleted (cluster: Cluster) =
    use root = new TemporaryFolder()
    Project.make root
    File.WriteAllText(root.File "gone.yaml", Project.experiment "gone" "none" [ "one: [ce]" ] 1 "[0, 1]" slurm)
    cluster.Must "scontrol update NodeName=localhost State=DRAIN Reason=test" |> ignore
    Project.must root (onCluster "gone.yaml") |> ignore
    let folder = (Directory.GetDirectories(root.File "runs/gone/slurm"))[0]
    let jobs = cluster.Must("squeue --noheader --format=%F | sort -n").Replace('\n', ' ')
    Directory.Delete(folder, true)
    let code, printed = Project.run root (onCluster "gone.yaml")

    Expect.equal
        (code, printed)
        (3,
         $"{folder}/cohorts.txt does not exist. The runs of the queued jobs {jobs} are therefore unknown, and some could be submitted twice. "
         + $"Cancel the jobs with `scancel {jobs}` or wait until they have ended, then repeat the command.\n")
        "not submitted twice"

    Project.must root [ "sweep"; "gone.yaml"; "--cancel" ] |> ignore
    drain cluster
    cluster.Must "scontrol update NodeName=localhost State=RESUME" |> ignore
    let again = Project.must root (onCluster "gone.yaml" @ [ "--wait" ])
    Expect.isMatch again "^Submitted 2 cohorts as job array \\d+; then job \\d+ writes the tables\\.\n" "submitted again"
    Expect.stringContains again "2 of 2 runs completed" "and trained"

[<Tests>]
let tests =
    // One cluster at a time, because an environment variable selects it.
    testSequenced
    <| testList
        "slurm / on a cluster"
        [ for name, body in
              [ "An array of cohorts produces the results of this machine, bit for bit", equalResults
                "With --only, a part of the runs is trained with its tables, then the rest", partly
                "Cancelled, requeued and lost elements produce equal results, and no saved progress is trained twice", disturbed
                "An element that runs out of time saves its state and resumes in its next turn, before the tables", outOfTime
                "1,000 cohorts are one array, and reading the status of 1,000 runs takes at most two seconds of CPU time", thousand
                "The runs of a submission whose folder is deleted while its jobs are queued are not submitted twice", deleted
                "An error of Slurm is reported as Slurm reports it", refused ] do
              test name {
                  use cluster = new Cluster()
                  body cluster
              } ]
