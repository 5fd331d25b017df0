/// `report`: writes the results so far to one page, report.html.
module ChannelDistillation.Cli.ReportVerb

open Argu
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type ReportArguments =
    | [<MainCommand; Unique>] Source of ``file or folder``: string
    | [<Unique>] Out of folder: string
    | [<EqualsAssignmentOrSpaced>] Set of ``path=value``: string
    | [<Unique>] Baseline of row: string
    | [<Unique>] Differences of columns: string
    | [<Unique>] Pivot of path: string
    | [<Unique>] Accuracy

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "an experiment file or the folder of its runs; default experiments/quickstart.yaml"
            | Out _ -> "the folder of the results; default runs"
            | Set _ -> "an override that the sweep was started with; repeatable"
            | Baseline _ ->
                "show each row's difference to this variant, or to one row of it (`kd[temperature=4]`), with a paired t-test over the seeds"
            | Differences _ -> "with --baseline: a list of further columns, of interval (95 %), welch and holm (p-values)"
            | Pivot _ -> "show the values of this grid axis as columns of the table"
            | Accuracy -> "show accuracies instead of errors in the table"

let run (arguments: string list) =
    match Parsing.parse<ReportArguments> "report" arguments with
    | None -> 0
    | Some parsed ->
        let folder, results = Sources.collect (parsed.TryGetResult Source) (parsed.TryGetResult Out) (parsed.GetResults Set)

        let differences = parsed.TryGetResult Differences |> Option.map Parsing.differences |> Option.defaultValue []

        let options =
            Sources.options (parsed.Contains Accuracy) (parsed.TryGetResult Baseline) differences (parsed.TryGetResult Pivot) None [ results.Layout ]

        match Reports.write options folder results with
        | Ok path ->
            printfn "%s" (shown path)
            0
        | Error reason -> ExitCodes.stop ExitCodes.missing reason
