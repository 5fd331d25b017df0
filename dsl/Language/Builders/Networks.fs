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
    let stem (stem: Stem) (model: Model) : Model = { model with Stem = Some stem }

    /// A teacher as a function of the students' training settings.
    type TeacherDraft = Train -> Teacher option

    /// No teacher, for experiments without distillation.
    let no_teacher: TeacherDraft = fun _ -> None

    let private teacherOf source (name: string) : TeacherDraft =
        fun train -> Some { Model = network name; Source = source train; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    /// A teacher with weights from a checkpoint.
    let checkpoint (model: string) (file: string) : TeacherDraft = teacherOf (fun _ -> Checkpoint file) model

    /// A known teacher, by its name in pretrain/teachers.yaml.
    let known (name: string) : TeacherDraft = fun _ -> Some(KnownTeachers.named name)

    /// A teacher that is trained first, with the students' settings except those given here.
    let internal trained (model: string) (recipe: Recipe list) : TeacherDraft =
        teacherOf (fun train -> Trained((train, recipe) ||> List.fold (fun train step -> step train), 0L)) model

    let internal scripted (model: Model) : TeacherDraft =
        fun _ -> Some { Model = model; Source = TorchScript; BatchNorm = TeacherBatchNorm.RunningStats; Cache = None }

    let private refine change (draft: TeacherDraft) : TeacherDraft = fun train -> draft train |> Option.map change

    /// Seed of the initial weights and data order of a trained teacher.
    let seed (seed: int64) : TeacherDraft -> TeacherDraft =
        refine (fun teacher ->
            match teacher.Source with
            | Trained(recipe, _) -> { teacher with Source = Trained(recipe, seed) }
            | Checkpoint _
            | Known _
            | TorchScript -> teacher)

    /// The statistics that the teacher's batch normalisation uses: `running_stats`, or `batch_stats` as in the published code of Channel
    /// Distillation.
    let batch_norm (statistics: TeacherBatchNorm) : TeacherDraft -> TeacherDraft = refine (fun teacher -> { teacher with BatchNorm = statistics })

    let running_stats = TeacherBatchNorm.RunningStats
    let batch_stats = TeacherBatchNorm.BatchStats

    let internal cached cache = refine (fun teacher -> { teacher with Cache = cache })
