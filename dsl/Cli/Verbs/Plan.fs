/// `plan`: checks an experiment and shows its runs, without training.
module ChannelDistillation.Cli.PlanVerb

open Argu
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type PlanArguments =
    | [<MainCommand; Unique>] File of file: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Only of pattern: string
    | [<Unique>] Lanes of n: int
    | [<Unique>] Measure
    | [<Unique>] Device of device: string
    | [<Unique>] Threads of n: int
    | [<Unique>] Layout of layout: string
    | [<Unique>] Launcher of launcher: string
    | [<Unique>] Retry_Failed
    | [<Unique>] No_Share
    | [<Unique>] Json
    | [<Unique>] Yes

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "the experiment file; default experiments/quickstart.yaml"
            | Out _ -> "the folder of the results; default runs"
            | Set _ -> "override a value of the experiment, e.g. --set train.epochs=2; repeatable"
            | Only _ -> "only the runs whose name, variant or row, such as 'kd[temperature=4]', matches this pattern"
            | Lanes _ -> "maximum number of runs in a cohort; default 16"
            | Measure -> "estimate time and memory by running a few steps of each kind of run"
            | Device _ -> "the device of --measure and of the check for bfloat16: auto, cpu, cuda or cuda:N; default auto"
            | Threads _ -> "CPU threads of --measure; default: all cores"
            | Layout _ ->
                "memory layout of --measure on the CPU: auto, channels-last or contiguous; default channels-last; auto uses the faster one, timed once"
            | Launcher _ -> "slurm: also show what `sweep --launcher slurm` would submit now"
            | Retry_Failed -> "with --launcher slurm: as if `sweep` were given --retry-failed"
            | No_Share -> "do not use the same runs of other experiments in the folder of results"
            | Json -> "print the plan as JSON"
            | Yes -> "accept a very large grid"

let run (arguments: string list) =
    match Parsing.parse<PlanArguments> "plan" arguments with
    | None -> 0
    | Some parsed ->
        let forSlurm = parsed.TryGetResult Launcher |> Option.map Parsing.launcher = Some Parsing.Slurm

        if parsed.Contains Retry_Failed && not forSlurm then
            ExitCodes.stop ExitCodes.invalid "`plan` accepts --retry-failed only with --launcher slurm."

        let plan = load (parsed.TryGetResult File) (parsed.GetResults Set) (parsed.Contains Yes)

        let lanes = parsed.GetResult(Lanes, defaultLanes) |> Parsing.positive "--lanes"
        let folder = Sweep.folderOf (outOf (parsed.TryGetResult Out)) plan
        let share = not (parsed.Contains No_Share)
        let all = Job.find share folder plan
        let jobs = Job.chosen (parsed.TryGetResult Only) all

        let datasets = PlanInputs.survey workspace jobs
        let teachers = PlanInputs.examine workspace jobs

        if parsed.Contains Json then
            let layout = Layouts.ofPlan Layouts.describedCost plan all (Layouts.known (PlanReader.read folder))
            PlanFile.write Terminal.writeUtf8 layout (Listing.ofJobs lanes jobs)
        else
            let wanted = parsed.GetResult(Device, "auto") |> Parsing.device

            let computing =
                { ComputeSettings.standard with
                    Layout = parsed.TryGetResult Layout |> Parsing.layout
                    FitLanes = not (parsed.Contains Lanes) }

            let costOf (cohort: Job list) =
                if parsed.Contains Measure then
                    parsed.TryGetResult Threads |> Option.iter (Parsing.threads >> Devices.UseThreads)
                    let device = ComputeSettings.choose wanted computing
                    let layouts = LayoutChoice(workspace, device, computing.Layout)

                    match PlanInputs.images cohort.Head.Run.Spec.Dataset datasets with
                    | Some dataset -> Some(Estimate.fromMeasuredSteps device layouts dataset cohort)
                    | None -> None
                else
                    Estimate.fromRecords cohort

            let outdated =
                (Outdated.ofJobs workspace openDataset jobs |> List.map snd |> Outdated.warnings) @ Outdated.teachers workspace jobs

            printf "%s" (PlanText.render workspace wanted lanes plan jobs datasets teachers outdated costOf)

            if forSlurm then
                let options =
                    { Workspace = workspace
                      Out = outOf (parsed.TryGetResult Out)
                      Only = parsed.TryGetResult Only
                      Device = wanted
                      Workers = [ Sole wanted ]
                      Started = None
                      Lanes = lanes
                      Threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
                      ComputeSettings = computing
                      RetryFailed = parsed.Contains Retry_Failed
                      Retrain = None
                      Share = share
                      Quiet = true
                      Observer = None
                      Command = None
                      Part = Everything
                      OpenDataset = None }

                // The command line of `sweep` has no --measure.
                SlurmSweep.preview options plan (arguments |> List.filter ((<>) "--measure"))

        match PlanInputs.unusable datasets @ PlanInputs.unusableTeachers teachers with
        | [] -> 0
        | reasons ->
            // The text form contains them already.
            if parsed.Contains Json then
                reasons |> List.iter (eprintfn "%s")

            ExitCodes.missing
