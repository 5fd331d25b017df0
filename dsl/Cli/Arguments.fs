/// The options of each verb.
namespace ChannelDistillation.Cli

open Argu

type SweepArguments =
    | [<MainCommand; Unique>] File of file: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Only of pattern: string
    | [<Unique>] Device of device: string
    | [<Unique>] Lanes of n: int
    | [<Unique>] Threads of n: int
    | [<Unique>] Retry_Failed
    | [<Unique>] Launcher of launcher: string
    | [<Unique>] Quiet
    | [<Unique>] Yes

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "the experiment; default experiments/quickstart.yaml"
            | Out _ -> "where results go; default runs"
            | Set _ -> "override a value of the experiment, e.g. --set train.epochs=2; may be repeated"
            | Only _ -> "only the runs whose name or variant fits this pattern, e.g. 'cd*'"
            | Device _ -> "auto, cpu, cuda or cuda:N; default auto: a GPU where there is one"
            | Lanes _ -> "most runs trained together in one cohort; default 16"
            | Threads _ -> "processor threads; default: all cores"
            | Retry_Failed -> "try runs again that diverged or failed"
            | Launcher _ -> "local: on this machine"
            | Quiet -> "no progress, only the table"
            | Yes -> "start even where the grid is very large"

type PlanArguments =
    | [<MainCommand; Unique>] File of file: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Only of pattern: string
    | [<Unique>] Lanes of n: int
    | [<Unique>] Measure
    | [<Unique>] Device of device: string
    | [<Unique>] Threads of n: int
    | [<Unique>] Json
    | [<Unique>] Yes

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | File _ -> "the experiment; default experiments/quickstart.yaml"
            | Out _ -> "where results are; default runs"
            | Set _ -> "override a value of the experiment, e.g. --set train.epochs=2; may be repeated"
            | Only _ -> "only the runs whose name or variant fits this pattern"
            | Lanes _ -> "most runs trained together in one cohort; default 16"
            | Measure -> "rehearse a few steps of each kind of run, to say how long it takes and how much memory it needs"
            | Device _ -> "what --measure rehearses on; auto, cpu, cuda or cuda:N; default auto"
            | Threads _ -> "processor threads of --measure; default: all cores"
            | Json -> "print the plan as JSON"
            | Yes -> "plan even where the grid is very large"

type TableFormat =
    | Md
    | Csv
    | Json

type TableArguments =
    | [<MainCommand; Unique>] Source of ``file or folder``: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Format of TableFormat

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "an experiment, or the folder of its runs; default experiments/quickstart.yaml"
            | Out _ -> "where results are; default runs"
            | Set _ -> "the overrides that the sweep was started with"
            | Format _ -> "default md"

type FetchArguments =
    | [<MainCommand; ExactlyOnce>] Name of name: string

    interface IArgParserTemplate with
        member _.Usage = "a dataset that `data list` shows"

type ListArguments =
    | [<Hidden>] Nothing

    interface IArgParserTemplate with
        member _.Usage = ""

type DataArguments =
    | [<CliPrefix(CliPrefix.None)>] List of ParseResults<ListArguments>
    | [<CliPrefix(CliPrefix.None)>] Fetch of ParseResults<FetchArguments>

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | List _ -> "the known datasets and whether they are here"
            | Fetch _ -> "download a dataset and verify it"

type SchemaArguments =
    | [<Unique>] Out of file: string

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Out _ -> "a file to write it to; default: the terminal"
