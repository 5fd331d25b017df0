namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Students and teachers.
[<AutoOpen>]
module NetworkWords =
    /// A network by its name.
    let network (name: string) : Model = { Name = name; Stem = None; Script = None }

    /// With a certain stem.
    let with_stem (stem: Stem) (model: Model) : Model = { model with Stem = Some stem }

    /// A network from Python: a TorchScript file, relative to the script. `{seed}` in a student's path is the seed of the run. It is code, and it is run.
    let torchscript (file: string) : Model = TorchScriptCodec.model file

    /// A teacher, given the recipe of the students.
    type TeacherDraft = Train -> Teacher option

    /// No teacher: for experiments without distillation.
    let no_teacher: TeacherDraft = fun _ -> None

    let private teacherOf source (name: string) : TeacherDraft =
        fun train -> Some { Model = network name; Source = source train; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    /// A teacher from a file of weights.
    let pretrained (model: string) (checkpoint: string) : TeacherDraft = teacherOf (fun _ -> Checkpoint checkpoint) model

    /// A teacher by its name in pretrain/teachers.yaml: its network and its weights follow from it.
    let known_teacher (name: string) : TeacherDraft = fun _ -> Some(KnownTeachers.named name)

    /// A teacher that is trained first, as the students are but for what is said here.
    let trained (model: string) (recipe: Recipe list) : TeacherDraft =
        teacherOf (fun train -> Trained((train, recipe) ||> List.fold (fun train step -> step train), 0L)) model

    /// A teacher from Python, with its weights.
    let scripted_teacher (file: string) : TeacherDraft =
        fun _ -> Some { Model = torchscript file; Source = TorchScript; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    let private refine change (draft: TeacherDraft) : TeacherDraft = fun train -> draft train |> Option.map change

    /// Initialisation and data order of a teacher that is trained.
    let with_seed (seed: int64) : TeacherDraft -> TeacherDraft =
        refine (fun teacher ->
            match teacher.Source with
            | Trained(recipe, _) -> { teacher with Source = Trained(recipe, seed) }
            | Checkpoint _
            | Known _
            | TorchScript -> teacher)

    /// Batch normalisation of the teacher by the statistics of each batch, as in the published code of Channel Distillation.
    let with_batch_stats: TeacherDraft -> TeacherDraft =
        refine (fun teacher -> { teacher with BatchNorm = TeacherBatchNorm.BatchStats })

    let private kept cache = refine (fun teacher -> { teacher with Cache = Some cache })

    /// What the teacher says of training images is kept on the disk; for images that are not varied by chance.
    let with_cache: TeacherDraft -> TeacherDraft = kept { Views = None }

    /// Each training image is varied in so many ways and no more, and what the teacher says of them is kept on the disk.
    let with_cached_views (views: int) : TeacherDraft -> TeacherDraft = kept { Views = Some views }
