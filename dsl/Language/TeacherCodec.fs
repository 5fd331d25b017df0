/// The section `teacher`.
module ChannelDistillation.Dsl.TeacherCodec

open System
open ChannelDistillation.Specs
open ChannelDistillation.Dsl.Codec

/// As it is written: that exactly one of checkpoint and recipe is there, a record cannot say.
type private Raw = { Model: Model; Checkpoint: string option; Train: Train option; Seed: int64; BatchNorm: TeacherBatchNorm }

let private blank =
    { Model = ModelCodec.blank
      Checkpoint = None
      Train = None
      Seed = 0L
      BatchNorm = TeacherBatchNorm.RunningStats }

let private raw (inherited: Train) =
    Record.codec
        blank
        false
        (ModelCodec.fields _.Model (fun value record -> { record with Model = value })
         @ [ Field.optional
                 "checkpoint"
                 "A file of weights: .pth or .safetensors, relative to the project's folder."
                 ""
                 [ "weights"; "path" ]
                 _.Checkpoint
                 (fun value record -> { record with Checkpoint = value })
                 text
             Field.optional
                 "train"
                 "The recipe of a teacher that is trained once and then shared; what it leaves out is taken from the experiment's `train`."
                 ""
                 []
                 _.Train
                 (fun value record -> { record with Train = value })
                 (TrainCodec.over (Some inherited))
             Field.withDefault
                 "seed"
                 "Initialisation and data order of a teacher trained by `train`."
                 []
                 0L
                 _.Seed
                 (fun value record -> { record with Seed = value })
                 (whole 0L Int64.MaxValue)
             Field.withDefault
                 "batch_norm"
                 "Statistics that the teacher's batch normalisation uses."
                 [ "batchnorm"; "bn" ]
                 TeacherBatchNorm.RunningStats
                 _.BatchNorm
                 (fun value record -> { record with BatchNorm = value })
                 (word
                     "batch_norm"
                     [ "running_stats", "Those stored with its weights.", TeacherBatchNorm.RunningStats
                       "batch_stats", "Those of each batch, as in the published code of Channel Distillation.", TeacherBatchNorm.BatchStats ]) ])

let private toRaw (teacher: Teacher) : Raw =
    let checkpoint, train, seed =
        match teacher.Source with
        | Checkpoint path -> Some path, None, 0L
        | Trained(train, seed) -> None, Some train, seed

    { Model = teacher.Model; Checkpoint = checkpoint; Train = train; Seed = seed; BatchNorm = teacher.BatchNorm }

let private ofRaw (raw: Raw) : Teacher =
    { Model = raw.Model
      Source =
        match raw.Checkpoint, raw.Train with
        | Some path, _ -> Checkpoint path
        | None, Some train -> Trained(train, raw.Seed)
        | None, None -> Checkpoint ""
      BatchNorm = raw.BatchNorm }

let private present (inherited: Train) : Codec<Teacher> =
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
            | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | "checkpoint" :: _, Trained _ -> Error(NoSuchPart "checkpoint")
            | ("train" | "seed") :: _, Checkpoint _ -> Error(NoSuchPart "train")
            | _ ->
                raw.Edit path (toRaw teacher)
                |> Result.map (fun edit reader path node -> edit reader path node |> Option.map (fun change -> toRaw >> change >> ofRaw)) }

/// `none`, or a network and where its weights come from.
let codec (inherited: Train) : Codec<Teacher option> = orWord "none" (present inherited)
