/// The output of `data list`.
module ChannelDistillation.Lab.Overview.DatasetListing

open System
open System.Globalization
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data

let private number (count: int) = count.ToString("N0", CultureInfo.InvariantCulture)

/// The path relative to the project's folder, if it is inside it.
let private shown (workspace: Workspace) (folder: string) =
    let relative = Path.GetRelativePath(workspace.Root, folder)
    if relative.StartsWith ".." then folder else relative

let private where (workspace: Workspace) (dataset: DatasetDescriptor) (state: DatasetState) =
    match state.Folder with
    | null when state.IsBegun && dataset.CanBeFetched -> $"""incomplete, {String.Join(", ", state.Missing)} missing: data fetch {dataset.Name}"""
    | null when dataset.CanBeFetched -> $"not downloaded: data fetch {dataset.Name}"
    | null -> "missing, see below"
    | folder -> shown workspace folder

let private size (bytes: int64) = if bytes = 0L then "-" else ByteSize.Text bytes

let private row workspace (dataset: DatasetDescriptor) =
    let state = DatasetStore.StateOf(dataset, workspace)

    [ dataset.Name
      number dataset.Classes
      number dataset.TrainingImages
      number dataset.ValidationImages
      size dataset.DownloadBytes
      (if state.BytesOnDisk.HasValue then size state.BytesOnDisk.Value else "-")
      where workspace dataset state ]

let private details workspace (dataset: DatasetDescriptor) =
    [ $"{dataset.Name}: {dataset.Doc}"
      $"  License: {dataset.License}"
      $"  Homepage: {dataset.Homepage}"
      if isNull (DatasetStore.StateOf(dataset, workspace).Folder) && not dataset.CanBeFetched then
          "  " + DatasetStore.MissingMessage(DatasetSpec(Name = dataset.Name), workspace) ]

let render (workspace: Workspace) =
    let datasets = List.ofSeq DatasetCatalog.All
    let head = [ "name"; "classes"; "training"; "validation"; "download"; "on disk"; "where" ]

    [ yield! TextTable.alignedWith [ 1; 2; 3; 4; 5 ] (head :: List.map (row workspace) datasets)
      ""
      yield! List.collect (details workspace) datasets ]
    |> String.concat "\n"
    |> fun text -> text + "\n"

let private json (workspace: Workspace) (dataset: DatasetDescriptor) : JsonNode =
    let state = DatasetStore.StateOf(dataset, workspace)

    let status =
        if not (isNull state.Folder) then "complete"
        elif state.IsBegun then "incomplete"
        else "absent"

    JsonSerializer.SerializeToNode
        {| name = dataset.Name
           classes = dataset.Classes
           training_images = dataset.TrainingImages
           validation_images = dataset.ValidationImages
           license = dataset.License
           homepage = dataset.Homepage
           can_be_fetched = dataset.CanBeFetched
           download_bytes = dataset.DownloadBytes
           status = status
           folder = state.Folder
           bytes_on_disk = state.BytesOnDisk
           missing = state.Missing |}
    |> nonNull

let private indented = JsonSerializerOptions(WriteIndented = true)

let renderJson (workspace: Workspace) = JsonArray([| for dataset in DatasetCatalog.All -> json workspace dataset |]).ToJsonString indented + "\n"
