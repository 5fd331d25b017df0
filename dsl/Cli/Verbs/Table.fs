/// `table`: prints the results so far of one experiment, or of two side by side.
module ChannelDistillation.Cli.TableVerb

open System.IO
open Argu
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Cli

type TableArguments =
    | [<MainCommand>] Source of ``file or folder``: string list
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Format of TableFormat
    | [<Unique>] Baseline of row: string
    | [<Unique>] Differences of columns: string
    | [<Unique>] Pivot of path: string
    | [<Unique>] Accuracy

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "an experiment file or the folder of its runs; default experiments/quickstart.yaml; two are compared"
            | Out _ -> "the folder of the results; default runs"
            | Set _ -> "an override that the sweep was started with; repeatable"
            | Format _ -> "default md"
            | Baseline _ -> "show each row's difference to this variant, or to one row of it (`kd[temperature=4]`), with a paired t-test over the seeds"
            | Differences _ -> "with --baseline: a list of further columns, of interval (95 %), welch and holm (p-values)"
            | Pivot _ -> "show the values of this grid axis as columns"
            | Accuracy -> "show accuracies instead of errors"

/// File names without folder and extension, unless they are equal.
let private names (first: string) (second: string) =
    let short (path: string) = string (Path.GetFileNameWithoutExtension(path.TrimEnd('/', '\\')))
    if short first <> short second then short first, short second else first, second

let run (arguments: string list) =
    match Parsing.parse<TableArguments> "table" arguments with
    | None -> 0
    | Some parsed ->
        let collect source = Sources.collect source (parsed.TryGetResult Out) (parsed.GetResults Set)
        let differences = parsed.TryGetResult Differences |> Option.map Parsing.differences |> Option.defaultValue []

        let options =
            Sources.options (parsed.Contains Accuracy) (parsed.TryGetResult Baseline) differences (parsed.TryGetResult Pivot)

        let format = parsed.GetResult(Format, Md)

        let text =
            match parsed.GetResult(Source, []) with
            | []
            | [ _ ] as source ->
                let _, results = collect (List.tryHead source)
                TableFormat.render format (options [ results.Layout ]) results
            | [ first; second ] ->
                if parsed.Contains Pivot || parsed.Contains Baseline then
                    Ending.stop Ending.invalid "--pivot and --baseline need a single result; two results are compared row by row."

                let (_, a), (_, b) = collect (Some first), collect (Some second)
                let nameA, nameB = names first second
                TableFormat.compare format (options [ a.Layout; b.Layout ]) (nameA, a) (nameB, b)
            | more -> Ending.stop Ending.invalid $"`table` accepts one or two results; got {more.Length}."

        printf "%s" text
        0
