/// `sweep --launcher slurm`: runs a sweep as Slurm jobs.
module ChannelDistillation.Cli.SlurmSweep

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

/// Time between two queries of the scheduler with --wait.
let private pollInterval = TimeSpan.FromSeconds 15.0

let private settingsOf (plan: Plan) : SlurmSettings =
    match SiteSettings.settings workspace plan.Experiment with
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
          // The jobs for teachers and tables cover the same runs.
          yield! options.Only |> Option.map (fun pattern -> [ "--only"; pattern ]) |> Option.defaultValue []
          "--yes" ]
      Command = command }

/// Cancels the queued jobs of the experiment and returns the exit code.
let cancel (options: SweepOptions) (plan: Plan) =
    let entries = Submitting.cancel (Sweep.folderOf options.Out plan)
    printfn "%s" (SlurmText.cancelled plan.Experiment.Name entries)
    0

/// Prints what `sweep` would submit now.
let preview (options: SweepOptions) (plan: Plan) (words: string list) =
    let settings = settingsOf plan
    let folder = Sweep.folderOf options.Out plan
    let work = Work.find options plan (Queue.read folder)
    let program = programOf options settings (Parsing.commandLine "sweep" words)
    SlurmText.planned program settings folder work |> List.iter (printfn "%s")

/// Rewrites the tables and prints the summary; everything is trained.
let private finish (options: SweepOptions) (plan: Plan) (summary: Outcome -> int) (stop: CancellationToken) =
    summary (Sweep.run { options with Part = TablesOnly } plan stop)

/// Submits the missing runs and returns the exit code. With `wait`, follows the jobs until they end and prints the summary.
let run (options: SweepOptions) (plan: Plan) (wait: bool) (words: string list) (summary: Outcome -> int) =
    let command = Parsing.commandLine "sweep" words
    let settings = settingsOf plan
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping ..." source

    try
        let work, submitted = Submitting.run options (programOf options settings command) settings plan source.Token
        SlurmText.submitted shown work submitted |> List.iter (printfn "%s")

        if submitted.IsEmpty && not work.IsUnderWay then
            finish options plan summary source.Token
        elif not wait then
            printfn "To follow the jobs: %s --wait" command
            0
        else
            let followAgain = $"The jobs continue. To follow them again: {command}"

            match Follow.run options.Quiet pollInterval options.RetryFailed (Sweep.folderOf options.Out plan) work.Chosen source.Token with
            | Follow.ToTheEnd -> finish options plan summary source.Token
            | Follow.Left ->
                printfn "%s" followAgain
                ExitCodes.interrupted
            | Follow.Unanswered reason ->
                ExitCodes.stop
                    ExitCodes.missing
                    $"The scheduler has not answered for {SchedulerQuery.patience.TotalMinutes} minutes. {reason}\n{followAgain}"
    with :? OperationCanceledException ->
        printfn "Interrupted; nothing was submitted. To submit: %s" command
        ExitCodes.interrupted
