/// `sweep`: trains the runs of an experiment that are not yet trained.
module ChannelDistillation.Cli.SweepVerb

open System
open System.IO
open System.Threading
open Argu
open ChannelDistillation.Native
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Lab.Progress

type SweepArguments =
    | [<MainCommand; Unique>] File of file: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Only of pattern: string
    | [<Unique>] Device of device: string
    | [<Unique>] Workers_Per_Device of n: int
    | [<Unique>] Lanes of n: int
    | [<Unique>] Threads of n: int
    | [<Unique>] Layout of layout: string
    | [<Unique>] Deterministic
    | [<Unique>] Tf32 of switch: string
    | [<Unique>] Retry_Failed
    | [<Unique>] Retrain of pattern: string
    | [<Unique>] No_Share
    | [<Unique>] No_Worker
    | [<Unique>] Launcher of launcher: string
    | [<Unique>] Wait
    | [<Unique>] Cancel
    | [<Hidden; Unique>] Part of part: string
    | [<Unique>] Quiet
    | [<Unique>] Yes

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "the experiment file; default experiments/quickstart.yaml"
            | Out _ -> "the folder of the results; default runs"
            | Set _ -> "override a value of the experiment, e.g. --set train.epochs=2; repeatable"
            | Only _ -> "only the runs whose name, variant or row, such as 'kd[temperature=4]', matches this pattern"
            | Device _ ->
                "auto, cpu, cuda, cuda:N, or a list with one worker process per entry: cuda:0,1 or cuda:0,cuda:0; default auto: a GPU if there is one"
            | Workers_Per_Device _ -> "worker processes per device, faster for small networks (docs/gpu.md); default 1"
            | Lanes _ -> "maximum number of runs in a cohort; default 16, on a GPU as many of them as fit"
            | Threads _ -> "CPU threads; default: all cores"
            | Layout _ ->
                "memory layout on the CPU: auto, channels-last or contiguous; default: the one a run started with, else channels-last; auto uses the faster one for new runs, timed once"
            | Deterministic -> "on a GPU: identical results from run to run, more slowly (docs/gpu.md)"
            | Tf32 _ -> "on a GPU, on or off: compute convolutions in TensorFloat-32; default on"
            | Retry_Failed -> "retry runs that diverged or failed"
            | Retrain _ ->
                "train the completed runs that match this pattern again if their code, images or teacher weights have changed; the old ones are kept"
            | No_Share -> "do not use the same runs of other experiments in the folder of results"
            | No_Worker -> "train in this process, for debugging; a crash of native code then ends the sweep"
            | Launcher _ -> "local: on this machine; slurm: as jobs of a cluster (docs/cluster.md); default local"
            | Wait -> "with --launcher slurm: follow the jobs until they end, then show the table"
            | Cancel -> "cancel the jobs that --launcher slurm submitted; running ones save their state"
            | Part _ -> "the part of a shared sweep: teachers, tables, worker, or a line of the cohorts.txt beside FILE"
            | Quiet -> "show only the table, no progress"
            | Yes -> "accept a very large grid"

/// Prints the outcome and returns the exit code.
let private summary (outcome: Outcome) =
    printfn "\n%s" (Markdown.tables TableOptions.Default outcome.Results)
    outcome.Results |> Caption.lines TableOptions.Default |> List.iter (printfn "%s")

    let count state = outcome.Jobs |> List.filter (fun job -> state job.State) |> List.length

    let givenUp =
        outcome.Jobs
        |> List.choose (fun job ->
            match job.State with
            | GaveUp status -> Some(job, status)
            | _ -> None)

    let completed = count ((=) Done)

    let elsewhere =
        match outcome.Jobs |> List.choose _.SharedFrom with
        | [] -> ""
        | others -> $""" ({others.Length} of them in {String.Join(", ", List.distinct others)})"""

    let unfinished = outcome.Jobs.Length - completed - givenUp.Length
    let others = if unfinished > 0 then $", {unfinished} unfinished" else ""
    let failures = if givenUp.IsEmpty then "" else $", {givenUp.Length} failed or diverged"
    printfn "\n%d of %d runs completed%s%s%s, in %s." completed outcome.Jobs.Length elsewhere failures others (Figures.duration outcome.Elapsed)

    for job, status in givenUp do
        let reason = Job.reason job |> Option.defaultValue "No reason was recorded."
        printfn "  %s %s: %s (%s)" job.Run.Name ((string status).ToLowerInvariant()) reason (shown (Path.Combine(job.Folder, "result.json")))

    if not givenUp.IsEmpty then
        printfn "Failed and diverged runs are retried only with --retry-failed."

    for obstacle in outcome.Obstacles do
        printfn "  %s" obstacle

    for warning in outcome.Warnings do
        printfn "\nWarning: %s" warning

    for remark in outcome.Remarks do
        printfn "%s" remark

    if not outcome.Files.IsEmpty then
        printfn "Written:"

    for file in outcome.Files do
        printfn "  %s" (shown file)

    for what in outcome.Missing do
        eprintfn "%s" what

    if not outcome.Missing.IsEmpty then ExitCodes.missing
    elif outcome.Chosen |> List.forall (fun job -> job.State = Done) then 0
    else ExitCodes.failed

/// Prints the outcome of a part of a sweep, without tables, and returns the exit code.
let private partSummary (part: SweepPart) (outcome: Outcome) =
    if not part.IsForTeachers then
        for job in outcome.Chosen do
            printfn "%s: %O" job.Run.Name job.State

    for obstacle in outcome.Obstacles do
        printfn "%s" obstacle

    for what in outcome.Missing do
        eprintfn "%s" what

    if not outcome.Missing.IsEmpty then
        ExitCodes.missing
    elif outcome.Obstacles.IsEmpty && (part.IsForTeachers || outcome.Chosen |> List.forall (fun job -> job.State = Done)) then
        0
    else
        ExitCodes.failed

let private partOf (file: string option) (part: string) =
    match part, Int32.TryParse part, file with
    | "teachers", _, _ -> TeachersOnly
    | "tables", _, _ -> TablesOnly
    | _, (true, element), Some file ->
        let folder = Path.GetDirectoryName(Path.GetFullPath file) |> Option.ofObj |> Option.defaultValue "."

        match Submission.runsOf folder [ element ] with
        | Ok runs -> RunsOf(set runs)
        | Error problem ->
            ExitCodes.stop
                ExitCodes.missing
                $"{problem} The runs of array element {element} are therefore unknown. Repeat the command that submitted it to resubmit what is missing."
    | _ -> ExitCodes.stop ExitCodes.invalid $"Unknown part `{part}`. Use --part teachers, tables, or a line of the cohorts.txt beside FILE."

/// A part of a sweep has no command of its own to repeat; plan.json has the sweep's command.
let private howToResume (options: SweepOptions) (plan: Plan) (arguments: string list) =
    match options.Part with
    | Everything -> "To resume: " + Parsing.commandLine "sweep" arguments
    | _ ->
        let own = PlanReader.read (Sweep.folderOf options.Out plan) |> Option.bind _.Command
        let sweep = own |> Option.defaultValue "the command that submitted it"
        $"It resumes when Slurm restarts this job; if Slurm does not, repeat the sweep: {sweep}"

let private train (options: SweepOptions) (plan: Plan) (arguments: string list) =
    use source = new CancellationTokenSource()
    use _ = Signals.watch Signals.savingRuns source
    let outcome = Sweep.run options plan source.Token

    if outcome.Interrupted && outcome.Missing.IsEmpty then
        printfn "Interrupted; everything is saved. %s" (howToResume options plan arguments)
        ExitCodes.interrupted
    else
        match options.Part with
        | Everything
        | TablesOnly -> summary outcome
        | part -> partSummary part outcome

/// Runs as a worker of a sweep that another process started.
let private work (options: SweepOptions) =
    // Before libtorch is loaded, because it may print.
    use output = new StreamWriter(StandardOutput.Take(), Text.UTF8Encoding false)
    use source = new CancellationTokenSource()
    use _ = Signals.watchAsWorker source

    if Worker.run { options with Workers = [] } Console.In output source then
        ExitCodes.interrupted
    else
        0

let private optionsOf (parsed: ParseResults<SweepArguments>) (arguments: string list) : SweepOptions =
    let device, workers =
        let each = parsed.TryGetResult Workers_Per_Device |> Option.map (Parsing.positive "--workers-per-device")

        match Parsing.devices (parsed.GetResult(Device, "auto")) each with
        | Parsing.One device -> device, (if parsed.Contains No_Worker then [] else [ Sole device ])
        | Parsing.Several workers -> WorkerDevice.onMachine workers.Head, workers

    let part = parsed.TryGetResult Part |> Option.filter ((<>) "worker")

    { Workspace = workspace
      Out = outOf (parsed.TryGetResult Out)
      Only = parsed.TryGetResult Only
      Device = device
      Workers = workers
      Started = None
      Lanes = parsed.GetResult(Lanes, defaultLanes) |> Parsing.positive "--lanes"
      Threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
      ComputeSettings =
        { Gpu = GpuSettings(parsed.Contains Deterministic, parsed.GetResult(Tf32, "on") |> Parsing.switch "--tf32")
          Layout = parsed.TryGetResult Layout |> Parsing.layout
          FitLanes = not (parsed.Contains Lanes) }
      RetryFailed = parsed.Contains Retry_Failed
      Retrain = parsed.TryGetResult Retrain
      Share = not (parsed.Contains No_Share)
      Quiet = parsed.Contains Quiet
      Observer = None
      Command =
        if parsed.Contains Part then
            None
        else
            Some(Parsing.commandLine "sweep" arguments)
      Part = part |> Option.map (partOf (parsed.TryGetResult File)) |> Option.defaultValue Everything
      OpenDataset = None }

/// Starts a single worker while the plan is made, which takes as long. If nothing has to be trained, it is killed.
let private startAhead (options: SweepOptions) (isOnCluster: bool) : WorkerProcess | null =
    match options.Workers with
    | [ Sole _ as device ] when not (isOnCluster || options.Part = TablesOnly) ->
        WorkerProcess.Start(device, SweepOptions.ofWorker options options.Threads device)
    | _ -> null

/// Refuses options that cannot be combined, because one of them would have no effect.
let private refuseContradictions (parsed: ParseResults<SweepArguments>) (launcher: Parsing.Launcher option) =
    let cancels = parsed.Contains Cancel

    let contradictions =
        [ parsed.Contains Part && (cancels || launcher.IsSome),
          "--part is for processes that a sweep starts; it cannot be combined with --launcher or --cancel."
          cancels && launcher = Some Parsing.Local, "--cancel is for cluster jobs; stop a sweep on this machine with Ctrl+C."
          cancels && parsed.Contains Only,
          "--cancel cancels all jobs of the experiment and cannot be combined with --only. `scancel NUMBER` cancels a single job."
          cancels && parsed.Contains Retry_Failed,
          "--cancel cannot be combined with --retry-failed: cancel first, then repeat the sweep with --retry-failed."
          cancels && parsed.Contains Retrain, "--cancel cannot be combined with --retrain: cancel first, then repeat the sweep with --retrain."
          parsed.Contains Part && parsed.Contains Retrain, "--part is for processes that a sweep starts; --retrain is for the sweep itself."
          cancels && parsed.Contains Wait, "--cancel cannot be combined with --wait: it leaves no jobs to follow."
          parsed.Contains No_Worker && parsed.Contains Workers_Per_Device,
          "--no-worker cannot be combined with --workers-per-device: it trains in this process."
          parsed.Contains No_Worker && (parsed.GetResult(Device, "auto")).Contains ',',
          "--no-worker trains in this process on one device, but --device names several."
          parsed.Contains Wait && launcher <> Some Parsing.Slurm, "--wait needs --launcher slurm; a sweep on this machine ends with its command." ]

    match contradictions |> List.tryFind fst with
    | Some(_, message) -> ExitCodes.stop ExitCodes.invalid message
    | None -> ()

let private sweep (parsed: ParseResults<SweepArguments>) (arguments: string list) =
    let launcher = parsed.TryGetResult Launcher |> Option.map Parsing.launcher
    refuseContradictions parsed launcher
    let options = optionsOf parsed arguments

    if launcher = Some Parsing.Slurm && options.Workers.Length > 1 then
        ExitCodes.stop
            ExitCodes.invalid
            "With --launcher slurm each job trains on one device: use --device cuda, and `gpus: 1` in the section `slurm` of the experiment."

    if parsed.TryGetResult Part = Some "worker" then
        work options
    else
        use started = startAhead options (launcher = Some Parsing.Slurm || parsed.Contains Cancel)
        let options = { options with Started = Option.ofObj started }
        let plan = load (parsed.TryGetResult File) (parsed.GetResults Set) (parsed.Contains Yes)

        if parsed.Contains Cancel then
            SlurmSweep.cancel options plan
        elif launcher = Some Parsing.Slurm then
            SlurmSweep.run options plan (parsed.Contains Wait) arguments summary
        else
            train options plan arguments

let run (arguments: string list) =
    match Parsing.parse<SweepArguments> "sweep" arguments with
    | None -> 0
    | Some parsed -> sweep parsed arguments
