/// Teachers that an experiment names instead of describing them.
module ChannelDistillation.Dsl.Codecs.KnownTeachers

open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Teachers
open ChannelDistillation.Dsl

let names () = [ for teacher in KnownTeacherCatalog.All -> teacher.Name, teacher.Doc ]

/// As an experiment that knows only its name has it. Unknown names get a model without a name: whoever reads them reports them.
let named (name: string) : Teacher =
    let model =
        match KnownTeacherCatalog.Find name with
        | null -> ""
        | teacher -> teacher.Model

    { Model = { Name = model; Stem = None; Script = None }
      Source = Known name
      BatchNorm = Specs.TeacherBatchNorm.RunningStats
      Cache = None }

/// The same teacher with its checkpoint written out: what is trained does not depend on how it was said.
let writtenOut (teacher: Teacher) : Teacher =
    match teacher.Source with
    | Known name ->
        match KnownTeacherCatalog.Find name with
        | null -> teacher
        | known -> { teacher with Source = TeacherSource.Checkpoint known.Checkpoint }
    | _ -> teacher

/// The known teacher that this is, by its name or by its file.
let find (teacher: Teacher) : KnownTeacher option =
    match (writtenOut teacher).Source with
    | TeacherSource.Checkpoint path -> KnownTeacherCatalog.Of(teacher.Model.Name, path) |> Option.ofObj
    | _ -> None

/// Whether it sees the images that an experiment has and knows as many classes.
let fits (teacher: KnownTeacher) (dataset: DatasetDescriptor) =
    let own = DatasetCatalog.Get teacher.Dataset
    own.Classes = dataset.Classes && own.Image = dataset.Image
