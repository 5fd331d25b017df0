/// Teachers known by name (pretrain/teachers.yaml).
module ChannelDistillation.Dsl.Codecs.KnownTeachers

open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Teachers
open ChannelDistillation.Dsl

let names () = [ for teacher in KnownTeacherCatalog.All -> teacher.Name, teacher.Doc ]

/// A teacher given by its name alone. An unknown name gets an empty model name; the codec reports it.
let named (name: string) : Teacher =
    let model =
        match KnownTeacherCatalog.Find name with
        | null -> ""
        | teacher -> teacher.Model

    { Model = { Name = model; Stem = None; Script = None }
      Source = Known name
      BatchNorm = Specs.TeacherBatchNorm.RunningStats
      Cache = None }

/// The same teacher with its checkpoint spelled out, so that both notations give the same run.
let writtenOut (teacher: Teacher) : Teacher =
    match teacher.Source with
    | Known name ->
        match KnownTeacherCatalog.Find name with
        | null -> teacher
        | known -> { teacher with Source = TeacherSource.Checkpoint known.Checkpoint }
    | _ -> teacher

/// The known teacher with this name or this checkpoint file.
let find (teacher: Teacher) : KnownTeacher option =
    match (writtenOut teacher).Source with
    | TeacherSource.Checkpoint path -> KnownTeacherCatalog.Of(teacher.Model.Name, path) |> Option.ofObj
    | _ -> None

/// Whether a known teacher has the image size and class count of a dataset.
let fits (teacher: KnownTeacher) (dataset: DatasetDescriptor) =
    let own = DatasetCatalog.Get teacher.Dataset
    own.Classes = dataset.Classes && own.Image = dataset.Image
