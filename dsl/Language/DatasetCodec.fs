/// The sections `dataset` and `student`, and the models of both networks.
module ChannelDistillation.Dsl.DatasetCodec

open System
open ChannelDistillation.Models
open ChannelDistillation.Specs
open ChannelDistillation.Dsl.Codec

/// All of it the dataset's own.
let ownAugment: Augment = { Pad = None; Mode = None; Flip = None }

let private augment =
    let field key doc also get set codec = Field.optional key doc "the dataset's own" also get set codec

    Record.codec
        ownAugment
        false
        [ field
              "pad"
              "Pixels added on each side before a crop of the original size is taken; 0: no crop."
              [ "padding" ]
              _.Pad
              (fun value record -> { record with Pad = value })
              (int32 0 64)
          field
              "mode"
              "What the added pixels hold."
              [ "padding_mode" ]
              _.Mode
              (fun value record -> { record with Mode = value })
              (word "mode" [ "zero", "Black.", PaddingMode.Zero; "reflect", "The image mirrored at its border.", PaddingMode.Reflect ])
          field
              "flip"
              "Mirror every second image, by chance, from left to right."
              [ "horizontal_flip" ]
              _.Flip
              (fun value record -> { record with Flip = value })
              flag ]

type private Raw = { Name: string option; Folder: string option; Classes: int option; Augment: Augment }

let private names () = [ for dataset in ChannelDistillation.Data.DatasetCatalog.All -> dataset.Name, dataset.Doc ]

let private name = named Thing.Dataset names

let private raw =
    Record.codec
        { Name = None; Folder = None; Classes = None; Augment = ownAugment }
        false
        [ Field.optional "name" "A known dataset." "" [] _.Name (fun value record -> { record with Raw.Name = value }) name
          Field.optional
              "image_folder"
              "A folder that holds `train` and `val`, each with one folder of images per class."
              ""
              [ "folder"; "path" ]
              _.Folder
              (fun value record -> { record with Folder = value })
              text
          Field.optional
              "classes"
              "Number of classes, with `image_folder` only."
              ""
              [ "num_classes" ]
              _.Classes
              (fun value record -> { record with Classes = value })
              (int32 2 1_000_000)
          Field.dependent
              "augment"
              "How training images are varied; what is left out stays the dataset's own."
              false
              "the dataset's own"
              [ "augmentation" ]
              ((=) ownAugment)
              _.Augment
              (fun value record -> { record with Raw.Augment = value })
              (fun _ -> augment)
              Unchecked.defaultof<Raw> ]

let private toRaw (dataset: Dataset) =
    match dataset.Source with
    | Named name -> { Name = Some name; Folder = None; Classes = None; Augment = dataset.Augment }
    | ImageFolder(folder, classes) -> { Name = None; Folder = Some folder; Classes = Some classes; Augment = dataset.Augment }

/// A name takes the place of a folder.
let private ofRaw (raw: Raw) : Dataset =
    let source =
        match raw with
        | { Name = Some name } -> Named name
        | { Folder = folder; Classes = classes } -> ImageFolder(Option.get folder, Option.get classes)

    { Source = source; Augment = raw.Augment }

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
                reader.Report(path, Node.place node, MissingKey("name", List.rev path, "A known dataset."))
                None
        | _ -> name.Read reader path node |> Option.map (fun name -> { Source = Named name; Augment = ownAugment })

    { Shape = EitherShape [ name.Shape; raw.Shape ]
      Read = read
      Write =
        fun dataset ->
            match dataset.Source with
            | Named name when dataset.Augment = ownAugment -> Scalar name
            | _ -> raw.Write(toRaw dataset)
      Edit =
        fun path dataset ->
            match path, dataset.Source with
            | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | ("image_folder" | "classes") :: _, Named _ -> Error(NoSuchPart "image_folder")
            | _ ->
                raw.Edit path (toRaw dataset)
                |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change -> toRaw >> change >> ofRaw)) }
