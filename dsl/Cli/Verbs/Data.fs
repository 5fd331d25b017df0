/// `data list|fetch`: the known datasets.
module ChannelDistillation.Cli.DataVerb

open Argu
open ChannelDistillation.Data
open ChannelDistillation.Specs
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

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

let private listDatasets () =
    for dataset in DatasetCatalog.All do
        let here =
            if DatasetStore.IsThere(DatasetSpec(Name = dataset.Name), workspace) then
                "here"
            else
                "not here"

        printfn "%-20s %-9s %d classes, %d + %d images" dataset.Name here dataset.Classes dataset.TrainingImages dataset.ValidationImages
        printfn "  %s" dataset.Doc

let private fetchDataset (name: string) =
    match DatasetCatalog.Find name with
    | null -> Fetching.unknown "dataset" name [ for dataset in DatasetCatalog.All -> dataset.Name ]
    | dataset -> Fetching.run $"data fetch {name}" (fun downloader stop -> DatasetStore.Fetch(dataset, workspace, downloader, stop))

let run (arguments: string list) =
    match Parsing.parse<DataArguments> "data" arguments with
    | None -> 0
    | Some parsed ->
        match parsed.TryGetSubCommand() with
        | Some(Fetch inner) -> fetchDataset (inner.GetResult Name)
        | Some(List _)
        | None ->
            listDatasets ()
            0
