namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Students and teachers.
[<AutoOpen>]
module NetworkWords =
    /// A built-in network by name.
    let network (name: string) : Model = { Name = name; Stem = None; Script = None }

    /// Sets the stem of a network.
    let with_stem (stem: Stem) (model: Model) : Model = { model with Stem = Some stem }

    /// A network from Python. `file`: path of a TorchScript file, relative to the script; `{seed}` stands for the run's seed. Its code is executed.
    let torchscript (file: string) : Model = TorchScriptCodec.model file

    /// A teacher as a function of the students' training settings.
    type TeacherDraft = Train -> Teacher option

    /// No teacher, for experiments without distillation.
    let no_teacher: TeacherDraft = fun _ -> None

    let private teacherOf source (name: string) : TeacherDraft =
        fun train -> Some { Model = network name; Source = source train; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    /// A teacher with weights from a checkpoint.
    let pretrained (model: string) (checkpoint: string) : TeacherDraft = teacherOf (fun _ -> Checkpoint checkpoint) model

    /// A known teacher, by its name in pretrain/teachers.yaml.
    let known_teacher (name: string) : TeacherDraft = fun _ -> Some(KnownTeachers.named name)

    /// A teacher that is trained first, with the students' settings except those given here.
    let trained (model: string) (recipe: Recipe list) : TeacherDraft =
        teacherOf (fun train -> Trained((train, recipe) ||> List.fold (fun train step -> step train), 0L)) model

    /// A teacher from Python, with its weights. `file`: path of a TorchScript file.
    let scripted_teacher (file: string) : TeacherDraft =
        fun _ -> Some { Model = torchscript file; Source = TorchScript; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    let private refine change (draft: TeacherDraft) : TeacherDraft = fun train -> draft train |> Option.map change

    /// Seed of the initial weights and data order of a trained teacher.
    let with_seed (seed: int64) : TeacherDraft -> TeacherDraft =
        refine (fun teacher ->
            match teacher.Source with
            | Trained(recipe, _) -> { teacher with Source = Trained(recipe, seed) }
            | Checkpoint _
            | Known _
            | TorchScript -> teacher)

    /// Lets the teacher's batch normalisation use the statistics of each batch, as in the published code of Channel Distillation.
    let with_batch_stats: TeacherDraft -> TeacherDraft =
        refine (fun teacher -> { teacher with BatchNorm = TeacherBatchNorm.BatchStats })

    let private cached cache = refine (fun teacher -> { teacher with Cache = Some cache })

    /// Caches the teacher's outputs for training images on disk; requires images without random augmentation.
    let with_cache: TeacherDraft -> TeacherDraft = cached { Views = None }

    /// Augments each training image in only this many ways, and caches the teacher's outputs on disk.
    let with_cached_views (views: int) : TeacherDraft -> TeacherDraft = cached { Views = Some views }
