/// `data list|fetch|pack`: the known datasets.
module ChannelDistillation.Cli.DataVerb

open Argu
open ChannelDistillation.Data
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type FetchArguments =
    | [<MainCommand; ExactlyOnce>] Name of name: string

    interface IArgParserTemplate with
        member _.Usage = "a dataset of `data list`"

type ListArguments =
    | [<Unique>] Json

    interface IArgParserTemplate with
        member _.Usage = "print JSON"

type DataArguments =
    | [<CliPrefix(CliPrefix.None)>] List of ParseResults<ListArguments>
    | [<CliPrefix(CliPrefix.None)>] Fetch of ParseResults<FetchArguments>
    | [<CliPrefix(CliPrefix.None)>] Pack of ParseResults<PackVerb.PackArguments>

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | List _ -> "list the known datasets with their sizes and folders"
            | Fetch _ -> "download a dataset, or verify the existing files"
            | Pack _ -> "pack an image folder into a copy that loads faster"

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
        | Some(List inner) when inner.Contains Json ->
            printf "%s" (DatasetListing.renderJson workspace)
            0
        | Some(Pack inner) -> PackVerb.run arguments inner
        | Some(List _)
        | None ->
            printf "%s" (DatasetListing.render workspace)
            0
