/// The section `teacher`.
module ChannelDistillation.Dsl.Codecs.TeacherCodec

open System
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// The section as written. A record codec cannot express that exactly one of `checkpoint` and `train` is set.
type private Raw =
    { Model: Model
      Checkpoint: string option
      Train: Train option
      Seed: int64
      BatchNorm: TeacherBatchNorm
      Cache: TeacherCache option }

let private blank =
    { Model = ModelCodec.blank
      Checkpoint = None
      Train = None
      Seed = 0L
      BatchNorm = TeacherBatchNorm.RunningStats
      Cache = None }

let private batchNorm get set =
    Field.withDefault
        "batch_norm"
        "Statistics used by the teacher's batch normalisation."
        [ "batchnorm"; "bn" ]
        TeacherBatchNorm.RunningStats
        get
        set
        (word
            "batch_norm"
            [ "running_stats", "The statistics stored with the weights.", TeacherBatchNorm.RunningStats
              "batch_stats", "The statistics of each batch, as in the published code of Channel Distillation.", TeacherBatchNorm.BatchStats ])

let private cache get set =
    Field.withDefault
        "cache"
        "Cache the teacher's outputs for training images on disk so that later epochs and runs reuse them: `true` if images are not augmented, `{ views: N }` to augment each image in only N ways."
        []
        None
        get
        set
        CacheCodec.codec

/// `{ known: NAME }`: the name determines the network and the weights.
let private known: Codec<Teacher> =
    Record.codec
        (KnownTeachers.named "")
        false
        [ Field.required
              "known"
              "Name of a known teacher, which determines its network and weights; `teacher list` shows them. Only `batch_norm` and `cache` can be set beside it."
              []
              (fun teacher ->
                  match teacher.Source with
                  | Known name -> name
                  | _ -> "")
              (fun name teacher -> { KnownTeachers.named name with BatchNorm = teacher.BatchNorm; Cache = teacher.Cache })
              (named Thing.KnownTeacher KnownTeachers.names)
          batchNorm _.BatchNorm (fun value teacher -> { teacher with Teacher.BatchNorm = value })
          cache _.Cache (fun value teacher -> { teacher with Teacher.Cache = value }) ]

/// `{ torchscript: FILE }`: the file holds the network and the weights.
let private scripted: Codec<Teacher> =
    Record.codec
        { Model = ModelCodec.blank; Source = TorchScript; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }
        false
        [ ModelCodec.scriptField
              "A network from Python with its weights, instead of `model` and `checkpoint`: path of a TorchScript file, relative to this file. Its code is executed (docs/python.md)."
              _.Model
              (fun value teacher -> { teacher with Teacher.Model = value })
          batchNorm _.BatchNorm (fun value teacher -> { teacher with Teacher.BatchNorm = value })
          cache _.Cache (fun value teacher -> { teacher with Teacher.Cache = value }) ]

let private raw (inherited: Train) =
    Record.codec
        blank
        false
        (ModelCodec.fields _.Model (fun value record -> { record with Model = value })
         @ [ Field.optional
                 "checkpoint"
                 "File of weights (.pth or .safetensors), relative to the project folder."
                 ""
                 [ "weights"; "path" ]
                 _.Checkpoint
                 (fun value record -> { record with Checkpoint = value })
                 text
             Field.optional
                 "train"
                 "Settings to train the teacher with, once for all runs; omitted ones are taken from the experiment's `train`."
                 ""
                 []
                 _.Train
                 (fun value record -> { record with Train = value })
                 (TrainCodec.over (Some inherited))
             Field.withDefault
                 "seed"
                 "Seed of the initial weights and data order of a teacher with `train`."
                 []
                 0L
                 _.Seed
                 (fun value record -> { record with Seed = value })
                 (whole 0L Int64.MaxValue)
             batchNorm _.BatchNorm (fun value record -> { record with Raw.BatchNorm = value })
             cache _.Cache (fun value record -> { record with Raw.Cache = value }) ])

let private toRaw (teacher: Teacher) : Raw =
    let checkpoint, train, seed =
        match teacher.Source with
        | Checkpoint path -> Some path, None, 0L
        | Known _
        | TorchScript -> None, None, 0L
        | Trained(train, seed) -> None, Some train, seed

    { Model = teacher.Model
      Checkpoint = checkpoint
      Train = train
      Seed = seed
      BatchNorm = teacher.BatchNorm
      Cache = teacher.Cache }

let private ofRaw (raw: Raw) : Teacher =
    { Model = raw.Model
      Source =
        match raw.Checkpoint, raw.Train with
        | Some path, _ -> Checkpoint path
        | None, Some train -> Trained(train, raw.Seed)
        | None, None -> Checkpoint ""
      BatchNorm = raw.BatchNorm
      Cache = raw.Cache }

let private described (inherited: Train) : Codec<Teacher> =
    let raw = raw inherited

    let read (reader: Reader) path (node: Node) =
        let value = raw.Read reader path node
        let entry key = Node.entry key node

        match entry "checkpoint", entry "train", entry "seed" with
        | Some _, Some train, _ -> reader.Report(path, train.At, TeacherWithTwoSources)
        | None, None, _ when value.IsSome && not (reader.IsSpoilt(List.rev path)) ->
            reader.Report(path, Record.placeOf path node, TeacherWithoutSource)
        | _ -> ()

        Option.map ofRaw value

    { Shape = raw.Shape
      Read = read
      Write = toRaw >> raw.Write
      Edit =
        fun path teacher ->
            match path, teacher.Source with
            | "checkpoint" :: _, Trained _ -> Error(NoSuchPart "checkpoint")
            | ("train" | "seed") :: _, Checkpoint _ -> Error(NoSuchPart "train")
            | "torchscript" :: _, _ -> Error(NoSuchPart "torchscript")
            | _ ->
                raw.Edit path (toRaw teacher)
                |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change -> toRaw >> change >> ofRaw)) }

/// Keys that `known` and `torchscript` replace.
let private description = [ "model"; "stem"; "checkpoint"; "train"; "seed" ]

let private present (inherited: Train) : Codec<Teacher> =
    let described = described inherited

    let readKnown (reader: Reader) path (node: Node) (entries: Entry list) =
        let more, own = entries |> List.partition (fun entry -> List.contains entry.Name description)

        match more with
        | [] -> ()
        | first :: _ -> reader.Report(first.Name :: path, first.At, KnownTeacherDescribed first.Name)

        known.Read reader path { node with Content = Mapping own }

    let readScripted (reader: Reader) path (node: Node) (entries: Entry list) =
        let others = "known" :: description
        TorchScriptCodec.alone reader path entries others
        scripted.Read reader path { node with Content = Mapping(entries |> List.filter (fun entry -> not (List.contains entry.Name others))) }

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries when TorchScriptCodec.isScripted node -> readScripted reader path node entries
        | Mapping entries when (Node.entry "known" node).IsSome -> readKnown reader path node entries
        | _ -> described.Read reader path node

    { Shape = EitherShape [ known.Shape; described.Shape; scripted.Shape ]
      Read = read
      Write =
        fun teacher ->
            match teacher with
            | { Source = Known name; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None } -> Scalar name
            | { Source = Known _ } -> known.Write teacher
            | { Source = TorchScript } -> scripted.Write teacher
            | _ -> described.Write teacher
      Edit =
        fun path teacher ->
            match path, teacher.Source with
            | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | key :: _, (Known _ | TorchScript) when List.contains key description -> Error(NoSuchPart key)
            | _, TorchScript -> scripted.Edit path teacher
            | "known" :: _, _
            | _, Known _ -> known.Edit path teacher
            | _ -> described.Edit path teacher }

/// Whether a text is a name rather than a path such as `pretrain/teacher.pth`, which was probably meant as a checkpoint.
let private isName (text: string) = text |> Seq.forall (fun c -> Char.IsLetterOrDigit c || c = '-' || c = '_')

/// `none`, a known name, or a mapping.
let codec (inherited: Train) : Codec<Teacher option> =
    let mapping = orWord "none" (present inherited)
    let byName = named Thing.KnownTeacher (fun () -> ("none", "") :: KnownTeachers.names ())

    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Plain text
        | Quoted text when text <> "none" && isName text && (Numbers.tryParse text).IsNone && not (Node.isNothing node) ->
            byName.Read reader path node |> Option.map (KnownTeachers.named >> Some)
        | _ -> mapping.Read reader path node

    { mapping with
        Shape = EitherShape [ byName.Shape; (present inherited).Shape ]
        Read = read
        Edit =
            fun path teacher ->
                match path with
                | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
                | _ -> mapping.Edit path teacher }
