/// `teacher list|fetch|train|inspect`: lists and downloads known teachers, trains those of experiments, inspects checkpoints.
module ChannelDistillation.Cli.TeacherVerb

open System
open System.Threading
open Argu
open ChannelDistillation.Native
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type TeacherListArguments =
    | [<Hidden>] Nothing

    interface IArgParserTemplate with
        member _.Usage = ""

type TeacherFetchArguments =
    | [<MainCommand; ExactlyOnce>] Name of name: string

    interface IArgParserTemplate with
        member _.Usage = "a teacher of `teacher list`"

type TeacherTrainArguments =
    | [<MainCommand; ExactlyOnce>] File of file: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Device of device: string
    | [<Unique>] Threads of n: int
    | [<Unique>] Layout of layout: string
    | [<Unique>] Deterministic
    | [<Unique>] Tf32 of switch: string
    | [<Unique>] Retry_Failed
    | [<Unique>] Quiet
    | [<Unique>] Yes

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "the experiment whose teachers to train"
            | Set _ -> "override a value of the experiment, e.g. --set teacher.train.epochs=2; repeatable"
            | Device _ -> "auto, cpu, cuda or cuda:N; default auto: a GPU if there is one"
            | Threads _ -> "CPU threads; default: all cores"
            | Layout _ ->
                "memory layout on the CPU: auto, channels-last or contiguous; default: the one a run started with, else channels-last; auto uses the faster one for new runs, timed once"
            | Deterministic -> "on a GPU: identical results from run to run, more slowly (docs/gpu.md)"
            | Tf32 _ -> "on a GPU, on or off: compute convolutions in TensorFloat-32; default on"
            | Retry_Failed -> "retry teachers that diverged or failed"
            | Quiet -> "show only the outcome, no progress"
            | Yes -> "accept a very large grid"

type TeacherArguments =
    | [<CliPrefix(CliPrefix.None)>] List of ParseResults<TeacherListArguments>
    | [<CliPrefix(CliPrefix.None)>] Fetch of ParseResults<TeacherFetchArguments>
    | [<CliPrefix(CliPrefix.None)>] Train of ParseResults<TeacherTrainArguments>
    | [<CliPrefix(CliPrefix.None)>] Inspect of ParseResults<TeacherInspect.TeacherInspectArguments>

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | List _ -> "list the known teachers and those trained here"
            | Fetch _ -> "download a known teacher and verify it"
            | Train _ -> "train all teachers of an experiment and its grid"
            | Inspect _ -> "show the content of a checkpoint and the models that it matches"

let private fetchTeacher (name: string) =
    match KnownTeacherCatalog.Find name with
    | null -> Fetching.unknown "teacher" name [ for teacher in KnownTeacherCatalog.All -> teacher.Name ]
    | teacher ->
        Fetching.run $"teacher fetch {name}" (fun downloader stop ->
            KnownTeacherStore.Fetch(teacher, workspace, downloader, stop)
            downloader.Say $"{name} is complete: {shown (KnownTeacherStore.PathOf(teacher, workspace))}")

let private trainTeachers (words: string list) (parsed: ParseResults<TeacherTrainArguments>) =
    let plan = load (Some(parsed.GetResult File)) (parsed.GetResults Set) (parsed.Contains Yes)

    let options =
        { Workspace = workspace
          Device = parsed.GetResult(Device, "auto") |> Parsing.device
          Threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
          ComputeSettings =
            { Gpu = GpuSettings(parsed.Contains Deterministic, parsed.GetResult(Tf32, "on") |> Parsing.switch "--tf32")
              Layout = parsed.TryGetResult Layout |> Parsing.layout
              FitLanes = true }
          RetryFailed = parsed.Contains Retry_Failed
          Quiet = parsed.Contains Quiet }

    use source = new CancellationTokenSource()
    use _ = Signals.watch Signals.savingRuns source
    let outcomes = TeacherTraining.run options plan source.Token

    for teacher, outcome in outcomes do
        let path = shown (TeacherStore(workspace).CheckpointOf(teacher.Spec, teacher.Dataset))
        // Distinguishes the teachers of a grid.
        let name = String.Join(", ", teacher.Spec.Model.Name :: [ for axis, value in teacher.Axes -> $"{axis}={value}" ])

        match outcome with
        | Ready errors ->
            printfn "%s: top-1 error %s, top-5 error %s, %s" name (Figures.percent errors.Top1Error) (Figures.percent errors.Top5Error) path
        | GivenUp reason -> printfn "%s" reason
        | Stopped -> ()

    let ends = List.map snd outcomes

    if List.contains Stopped ends then
        printfn "Interrupted; everything is saved. To resume: %s" (Parsing.commandLine "teacher" words)
        ExitCodes.interrupted
    elif ends |> List.exists (fun outcome -> outcome.IsGivenUp) then
        ExitCodes.failed
    else
        0

let run (arguments: string list) =
    match Parsing.parse<TeacherArguments> "teacher" arguments with
    | None -> 0
    | Some parsed ->
        match parsed.TryGetSubCommand() with
        | Some(Fetch inner) -> fetchTeacher (inner.GetResult Name)
        | Some(Train inner) -> trainTeachers arguments inner
        | Some(Inspect inner) -> TeacherInspect.run inner
        | Some(List _)
        | None ->
            printf "%s" (TeacherListing.render workspace)
            0
