/// The section `dataset`.
module ChannelDistillation.Dsl.Codecs.DatasetCodec

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// A dataset with its own augmentation and normalisation.
let ofSource source : Dataset = { Source = source; Augment = AugmentCodec.own; Normalize = None; Validation = None }

/// The section as written. A record codec cannot express that exactly one of `name` and `image_folder` is set.
type private Raw = { Name: string option; Folder: string option; Classes: int option; Settings: Dataset }

let private names () = [ for dataset in ChannelDistillation.Data.DatasetCatalog.All -> dataset.Name, dataset.Doc ]

let private name = named Thing.Dataset names

let private raw =
    Record.codec
        { Name = None; Folder = None; Classes = None; Settings = ofSource (Named "") }
        false
        [ Field.optional "name" "Name of a known dataset." "" [] _.Name (fun value record -> { record with Raw.Name = value }) name
          Field.optional
              "image_folder"
              "A folder with `train` and `val`, each with one folder of images per class."
              ""
              [ "folder"; "path" ]
              _.Folder
              (fun value record -> { record with Folder = value })
              text
          Field.optional
              "classes"
              "Number of classes; only with `image_folder`."
              ""
              [ "num_classes" ]
              _.Classes
              (fun value record -> { record with Classes = value })
              (int32 2 1_000_000)
          Field.dependent
              "augment"
              "Augmentation of training images; omitted parts are the dataset's own."
              false
              "the dataset's own"
              [ "augmentation" ]
              ((=) AugmentCodec.own)
              _.Settings.Augment
              (fun value record -> { record with Settings = { record.Settings with Augment = value } })
              (fun _ -> AugmentCodec.codec)
              Unchecked.defaultof<Raw>
          Field.optional
              "normalize"
              "Normalisation of pixel values: a named one of the dataset, or `{ mean: [...], std: [...] }`."
              "the dataset's own"
              [ "normalization"; "normalise" ]
              _.Settings.Normalize
              (fun value record -> { record with Settings = { record.Settings with Normalize = value } })
              NormalizeCodec.codec
          Field.optional
              "validation"
              "Hold-out split for choosing the best epoch: this fraction of each class of the training set, `0.1` or `{ share: 0.1, seed: 0 }`. The official validation set is then evaluated once, after training."
              "no hold-out split"
              [ "held_out"; "val_split"; "validation_split" ]
              _.Settings.Validation
              (fun value record -> { record with Settings = { record.Settings with Validation = value } })
              HoldOutCodec.codec ]

let private toRaw (dataset: Dataset) =
    match dataset.Source with
    | Named name -> { Name = Some name; Folder = None; Classes = None; Settings = dataset }
    | ImageFolder(folder, classes) -> { Name = None; Folder = Some folder; Classes = Some classes; Settings = dataset }

/// A name takes precedence over a folder.
let private ofRaw (raw: Raw) : Dataset =
    let source =
        match raw with
        | { Name = Some name } -> Named name
        | { Folder = folder; Classes = classes } -> ImageFolder(Option.get folder, Option.get classes)

    { raw.Settings with Source = source }

let codec: Codec<Dataset> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries ->
            let has key = entries |> List.exists (fun entry -> entry.Name = key)
            let before = reader.Problems.Length

            let value = raw.Read reader path node
            let clean = reader.Problems.Length = before

            match value with
            | Some({ Name = Some _ } as raw) when not (has "image_folder") ->
                if has "classes" then
                    reader.Report("classes" :: path, (Node.entry "classes" node).Value.At, NameAndFolder)

                Some(ofRaw raw)
            | Some({ Folder = Some _; Classes = Some _ } as raw) when not (has "name") -> Some(ofRaw raw)
            | _ when not clean -> None
            | _ when has "name" && has "image_folder" ->
                reader.Report(path, (Node.entry "image_folder" node).Value.At, NameAndFolder)
                None
            | _ when has "image_folder" ->
                reader.Report(path, (Node.entry "image_folder" node).Value.At, MissingKey("classes", List.rev path, "Number of classes."))
                None
            | _ ->
                reader.Report(path, Node.place node, MissingKey("name", List.rev path, "Name of a known dataset."))
                None
        | _ -> name.Read reader path node |> Option.map (Named >> ofSource)

    { Shape = EitherShape [ name.Shape; raw.Shape ]
      Read = read
      Write =
        fun dataset ->
            match dataset.Source with
            | Named name when dataset = ofSource dataset.Source -> Scalar name
            | _ -> raw.Write(toRaw dataset)
      Edit =
        fun path dataset ->
            match path, dataset.Source with
            | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | ("image_folder" | "classes") :: _, Named _ -> Error(NoSuchPart "image_folder")
            | _ ->
                raw.Edit path (toRaw dataset)
                |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change -> toRaw >> change >> ofRaw)) }
