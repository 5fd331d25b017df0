/// `sweep --launcher slurm`: the same sweep, by jobs of a cluster.
module ChannelDistillation.Cli.OnSlurm

open System
open System.IO
open System.Reflection
open System.Threading
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Slurm
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

/// How often the scheduler is asked with --wait.
let private between = TimeSpan.FromSeconds 15.0

let private settingsOf (plan: Plan) : SlurmSettings =
    match Site.settings workspace plan.Experiment with
    | Ok settings -> settings
    | Error problems -> refuse problems

let private programOf (options: SweepOptions) (settings: SlurmSettings) (command: string) : Script.Program =
    let threads =
        match options.Threads with
        | Some threads -> Some threads
        | None -> settings.Cpus

    { Dotnet = Environment.ProcessPath |> Option.ofObj |> Option.defaultValue "dotnet"
      File = (nonNull (Assembly.GetEntryAssembly())).Location
      Root = Path.GetFullPath root
      Out = options.Out
      Options =
        [ "--device"
          options.Device
          yield! threads |> Option.map (fun threads -> [ "--threads"; string threads ]) |> Option.defaultValue []
          yield! SweepOptions.shared options
          if options.Workers.IsEmpty then
              "--no-worker"
          // The jobs around the array are for the same runs.
          yield! options.Only |> Option.map (fun pattern -> [ "--only"; pattern ]) |> Option.defaultValue []
          "--yes" ]
      Command = command }

/// Takes what is queued of the experiment from the queue. The result is the exit code.
let cancel (options: SweepOptions) (plan: Plan) =
    let entries = Submitting.cancel (Sweep.folderOf options.Out plan)
    printfn "%s" (SubmissionText.cancelled plan.Experiment.Name entries)
    0

/// What `sweep` would submit now.
let preview (options: SweepOptions) (plan: Plan) (words: string list) =
    let settings = settingsOf plan
    let folder = Sweep.folderOf options.Out plan
    let work = Work.find options plan (Queue.read folder)
    let program = programOf options settings (Parsing.commandLine "sweep" words)
    SubmissionText.planned program settings folder work |> List.iter (printfn "%s")

/// The sweep with nothing left to train: only the tables are made anew.
let private finish (options: SweepOptions) (plan: Plan) (summary: Outcome -> int) (stop: CancellationToken) =
    summary (Sweep.run { options with Part = TablesOnly } plan stop)

/// Submits what is missing and, where that is asked for, waits for its end, which `summary` shows. The result is the exit code.
let run (options: SweepOptions) (plan: Plan) (wait: bool) (words: string list) (summary: Outcome -> int) =
    let command = Parsing.commandLine "sweep" words
    let settings = settingsOf plan
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Leaving ..." source

    try
        let work, submitted = Submitting.run options (programOf options settings command) settings plan source.Token
        SubmissionText.submitted shown work submitted |> List.iter (printfn "%s")

        if submitted.IsEmpty && not work.IsUnderWay then
            finish options plan summary source.Token
        elif not wait then
            printfn "Follow it: %s --wait" command
            0
        else
            let goOn = $"The jobs go on. To follow them again: {command}"

            match Follow.run options.Quiet between options.RetryFailed (Sweep.folderOf options.Out plan) work.Chosen source.Token with
            | Follow.ToTheEnd -> finish options plan summary source.Token
            | Follow.Left ->
                printfn "%s" goOn
                Ending.interrupted
            | Follow.Unanswered reason ->
                Ending.stop Ending.missing $"The scheduler has not answered for {Asking.patience.TotalMinutes} minutes. {reason}\n{goOn}"
    with :? OperationCanceledException ->
        printfn "Interrupted; nothing is submitted. To go on: %s" command
        Ending.interrupted
