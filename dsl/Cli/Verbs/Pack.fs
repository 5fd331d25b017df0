/// `data pack`: a fast copy of a folder of photographs.
module ChannelDistillation.Cli.PackVerb

open System
open System.IO
open System.Threading
open Argu
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type PackArguments =
    | [<MainCommand; ExactlyOnce>] Source of ``name or folder``: string
    | [<Unique>] Short_Side of pixels: int
    | [<Unique>] Jpeg
    | [<Unique>] Out of folder: string

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "imagenet, or a folder with train/ and val/"
            | Short_Side _ -> "keep pixels, the shorter side reduced to this length; default 256"
            | Jpeg -> "keep the files as they are: trains to the same numbers as the folder, and less fast"
            | Out _ -> "where the copy goes; default: beside the folder, as FOLDER-packed-256 or FOLDER-packed-jpeg"

let private formatOf (parsed: ParseResults<PackArguments>) =
    match parsed.TryGetResult Short_Side, parsed.Contains Jpeg with
    | Some _, true -> Ending.stop Ending.invalid "--jpeg keeps the files as they are, --short-side keeps pixels of one size: it cannot be both."
    | None, true -> PackFormat.Files
    | side, _ ->
        let side = defaultArg side 256

        if side < PackFormat.SmallestShortSide || side > PackFormat.LargestShortSide then
            Ending.stop Ending.invalid $"--short-side must be from {PackFormat.SmallestShortSide} to {PackFormat.LargestShortSide}; it is {side}."

        PackFormat side

let private datasetOf (source: string) =
    let photographs = DatasetCatalog.All |> Seq.filter (fun dataset -> dataset.Format = DatasetFormat.ImageFolder)

    match DatasetCatalog.Find source with
    | null ->
        if not (source.Contains '/') && not (Directory.Exists(workspace.Resolve source)) then
            Fetching.unknown "dataset or folder" source [ for dataset in photographs -> dataset.Name ]

        DatasetCatalog.Describe(DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = source, Classes = 0))
    | known when known.Format = DatasetFormat.ImageFolder -> known
    | small -> Ending.stop Ending.invalid $"{small.Name} is small and kept in memory while training: a packed copy would gain nothing."

let private summary (result: PackResult) (format: PackFormat) (target: string) (declared: string) =
    for remark in result.Remarks do
        printfn "%s" remark

    let done' =
        if result.WasThere then
            "was complete, its checksums are right"
        else
            "is complete"

    printfn "The packed copy %s %s: %d images, %s." (shown target) done' result.Images (ByteSize.Text result.Bytes)

    if format = PackFormat.Files && Path.GetFullPath target = workspace.Resolve(declared + "-packed-jpeg") then
        printfn "It is used wherever an experiment trains on %s, and gives the same numbers." declared
    else
        printfn "To train on it: dataset: { image_folder: %s, classes: %d }" (Path.GetRelativePath(root, target)) result.Classes

let run (arguments: string list) (parsed: ParseResults<PackArguments>) =
    let format = formatOf parsed
    let dataset = datasetOf (parsed.GetResult Source)
    let declared = Option.ofObj dataset.Folder |> Option.defaultValue $"data/{dataset.Name}" |> _.TrimEnd('/')

    let target =
        parsed.TryGetResult Out
        |> Option.map Path.GetFullPath
        |> Option.defaultWith (fun () -> DatasetStore.PackedFolderOf(dataset, format, workspace))

    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping; what is packed is kept." source

    try
        let result =
            Progress.packing (fun observer -> DatasetStore.Pack(dataset, target, format, workspace, observer, source.Token))

        summary result format target declared
        0
    with :? OperationCanceledException ->
        printfn "Interrupted; what is packed is kept. To go on: %s" (Parsing.commandLine "data" arguments)
        Ending.interrupted
