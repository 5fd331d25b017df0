/// `data pack`: packs an image folder into a copy that loads faster.
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
            | Short_Side _ -> "store decoded pixels, with the shorter side reduced to this length; default 256"
            | Jpeg -> "store the original files: results are identical to the folder's, but images load more slowly than from pixels"
            | Out _ -> "the folder of the copy; default: FOLDER-packed-256 or FOLDER-packed-jpeg, beside the folder"

let private formatOf (parsed: ParseResults<PackArguments>) =
    match parsed.TryGetResult Short_Side, parsed.Contains Jpeg with
    | Some _, true ->
        ExitCodes.stop ExitCodes.invalid "--jpeg and --short-side cannot be combined: --jpeg stores the original files, --short-side reduced pixels."
    | None, true -> PackFormat.Files
    | side, _ ->
        let side = defaultArg side 256

        if side < PackFormat.SmallestShortSide || side > PackFormat.LargestShortSide then
            ExitCodes.stop ExitCodes.invalid $"--short-side must be from {PackFormat.SmallestShortSide} to {PackFormat.LargestShortSide}; got {side}."

        PackFormat side

let private datasetOf (source: string) =
    let imageFolders = DatasetCatalog.All |> Seq.filter (fun dataset -> dataset.Format = DatasetFormat.ImageFolder)

    match DatasetCatalog.Find source with
    | null ->
        if not (source.Contains '/') && not (Directory.Exists(workspace.Resolve source)) then
            Fetching.unknown "dataset or folder" source [ for dataset in imageFolders -> dataset.Name ]

        DatasetCatalog.Describe(DatasetSpec(Name = DatasetSpec.ImageFolder, Folder = source, Classes = 0))
    | known when known.Format = DatasetFormat.ImageFolder -> known
    | inMemory -> ExitCodes.stop ExitCodes.invalid $"{inMemory.Name} needs no packed copy: it is kept in memory during training."

let private summary (result: PackResult) (format: PackFormat) (target: string) (declared: string) =
    for remark in result.Remarks do
        printfn "%s" remark

    let outcome =
        if result.WasThere then
            "was already complete and its checksums match"
        else
            "is complete"

    printfn "The packed copy %s %s: %d images, %s." (shown target) outcome result.Images (ByteSize.Text result.Bytes)

    if format = PackFormat.Files && Path.GetFullPath target = workspace.Resolve(declared + "-packed-jpeg") then
        printfn "Experiments on %s use it automatically, with identical results." declared
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
    use _ = Signals.watch "Stopping; the images packed so far are kept." source

    try
        let result =
            Progress.packing (fun observer -> DatasetStore.Pack(dataset, target, format, workspace, observer, source.Token))

        summary result format target declared
        0
    with :? OperationCanceledException ->
        printfn "Interrupted; the images packed so far are kept. To resume: %s" (Parsing.commandLine "data" arguments)
        ExitCodes.interrupted
