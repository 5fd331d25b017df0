/// `table`: prints the results so far of one experiment, or of two side by side.
module ChannelDistillation.Cli.TableVerb

open System
open System.IO
open System.Threading
open Argu
open ChannelDistillation.Core
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type TableArguments =
    | [<MainCommand>] Source of ``file or folder``: string list
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Format of TableFormat
    | [<Unique>] Baseline of row: string
    | [<Unique>] Differences of columns: string
    | [<Unique>] Pivot of path: string
    | [<Unique>] Accuracy
    | [<Unique>] Deploy
    | [<Unique>] Threads of n: int

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "an experiment file or the folder of its runs; default experiments/quickstart.yaml; two are compared"
            | Out _ -> "the folder of the results; default runs"
            | Set _ -> "an override that the sweep was started with; repeatable"
            | Format _ -> "default md"
            | Baseline _ ->
                "show each row's difference to this variant, or to one row of it (`kd[temperature=4]`), with a paired t-test over the seeds"
            | Differences _ -> "with --baseline: a list of further columns, of interval (95 %), welch and holm (p-values)"
            | Pivot _ -> "show the values of this grid axis as columns"
            | Accuracy -> "show accuracies instead of errors"
            | Deploy -> "measure the networks in ONNX Runtime on this machine: file size, latency and throughput"
            | Threads _ -> "with --deploy: CPU threads of ONNX Runtime; default: all cores"

/// File names without folder and extension, unless they are equal.
let private names (first: string) (second: string) =
    let short (path: string) = string (Path.GetFileNameWithoutExtension(path.TrimEnd('/', '\\')))
    if short first <> short second then short first, short second else first, second

/// Options that --deploy cannot be combined with.
let private refuseDeploy (parsed: ParseResults<TableArguments>) =
    if parsed.Contains Threads && not (parsed.Contains Deploy) then
        ExitCodes.stop ExitCodes.invalid "--threads applies only with --deploy."

    if parsed.Contains Deploy && parsed.Contains Pivot then
        ExitCodes.stop ExitCodes.invalid "--pivot and --deploy cannot be combined: the cells of a pivot table show only errors."

    if parsed.Contains Deploy && (parsed.GetResult(Source, [])).Length > 1 then
        ExitCodes.stop ExitCodes.invalid "--deploy needs a single result; two results are compared row by row."

let private measure (threads: int option) (folder: string) (results: Results) =
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping; nothing is stored." source
    eprintfn "Measuring the networks in ONNX Runtime; other programs that compute now would disturb it."

    match Deployments.measure (defaultArg threads Environment.ProcessorCount) TimeProvider.System source.Token folder results with
    | Some deployment -> deployment
    | None -> raise (MissingException $"{shown folder} has no trained run with a built-in network, so that nothing can be measured.")

let private print (arguments: string list) =
    match Parsing.parse<TableArguments> "table" arguments with
    | None -> 0
    | Some parsed ->
        let collect source = Sources.collect source (parsed.TryGetResult Out) (parsed.GetResults Set)
        let differences = parsed.TryGetResult Differences |> Option.map Parsing.differences |> Option.defaultValue []

        let options deployment =
            Sources.options (parsed.Contains Accuracy) (parsed.TryGetResult Baseline) differences (parsed.TryGetResult Pivot) deployment

        let threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
        refuseDeploy parsed

        let format = parsed.GetResult(Format, Md)

        let text =
            match parsed.GetResult(Source, []) with
            | []
            | [ _ ] as source ->
                let folder, results = collect (List.tryHead source)
                // Mistakes in the other options end the command before minutes are spent.
                options None [ results.Layout ] |> ignore
                let deployment = if parsed.Contains Deploy then Some(measure threads folder results) else None
                TableFormat.render format (options deployment [ results.Layout ]) results
            | [ first; second ] ->
                if parsed.Contains Pivot || parsed.Contains Baseline then
                    ExitCodes.stop ExitCodes.invalid "--pivot and --baseline need a single result; two results are compared row by row."

                let (_, a), (_, b) = collect (Some first), collect (Some second)
                let nameA, nameB = names first second
                TableFormat.compare format (options None [ a.Layout; b.Layout ]) (nameA, a) (nameB, b)
            | more -> ExitCodes.stop ExitCodes.invalid $"`table` accepts one or two results; got {more.Length}."

        printf "%s" text
        0

let run (arguments: string list) =
    try
        print arguments
    with :? OperationCanceledException ->
        ExitCodes.interrupted
