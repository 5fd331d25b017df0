/// A teacher's own errors, seen before anything learns from it, beside those that it is said to have.
module ChannelDistillation.Lab.Sweep.TeacherCheck

open System.Globalization
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs

/// Evaluated again with other software, a network differs by some hundredths of a point; photographs decoded differently, by some tenths.
let private tolerance = 1.0

let private percent (value: float) = value.ToString("F2", CultureInfo.InvariantCulture)

let private isFromFile (teacher: Teachers.PlannedTeacher) = isNull teacher.Spec.Train

/// The top-1 error that a teacher from a file is said to have, and who says so. A teacher trained by recipe has none to keep to.
let private declared (workspace: Workspace) (plan: Plan) (teacher: Teachers.PlannedTeacher) : (float * string) option =
    if not (isFromFile teacher) then
        None
    else
        match KnownTeacherCatalog.Of(teacher.Spec, workspace) with
        | null ->
            Teachers.published plan teacher
            |> Option.bind _.Top1Error
            |> Option.map (fun top1 -> top1, "the experiment's `published`")
        | known -> Some(known.Top1Error, "pretrain/teachers.yaml")

/// Its row, in one line.
let row (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) =
    $"Teacher {teacher.Spec.Model.Name}: {percent errors.Top1Error} %% top-1 error, {percent errors.Top5Error} %% top-5 error."

let private usualCauses =
    "Usual causes: images normalised in another way than it was trained with (`dataset: { normalize: ... }`), classes in another order, a file of other "
    + "weights, other images."

/// What to say of a teacher that is not as good, or as bad, as it is said to be, or no better than guessing.
let warning (workspace: Workspace) (plan: Plan) (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) : string option =
    let guessing = 100.0 - 100.0 / float (DatasetCatalog.Describe teacher.Dataset).Classes

    match declared workspace plan teacher with
    | Some(top1, source) when abs (errors.Top1Error - top1) > tolerance ->
        Some
            $"The teacher {teacher.Spec.Model.Name} has {percent errors.Top1Error} %% top-1 error here, but {source} says {percent top1}. {usualCauses}"
    | None when isFromFile teacher && errors.Top1Error >= guessing ->
        Some
            $"The teacher {teacher.Spec.Model.Name} has {percent errors.Top1Error} %% top-1 error here, which is no better than guessing. {usualCauses}"
    | _ -> None

/// What to say of completed runs that learned from other weights than those that are now under their teacher's path.
let replaced (workspace: Workspace) (jobs: Job list) : string list =
    let store = TeacherStore workspace

    let isStale (teacher: Teachers.PlannedTeacher) =
        let now = lazy store.ContentHash(teacher.Spec, teacher.Dataset)

        fun (job: Job) ->
            match RunFolder(job.Folder).ReadTeacher() with
            | null -> false
            | before -> before <> now.Value

    [ for teacher, jobs in
          jobs
          |> List.filter (fun job -> job.State = Done)
          |> List.choose (fun job -> Teachers.ofRun job.Run |> Option.map (fun teacher -> teacher, job))
          |> List.groupBy (fun (teacher, _) -> teacher.Key)
          |> List.map (fun (_, entries) -> fst entries.Head, List.map snd entries) do

          if store.IsThere(teacher.Spec, teacher.Dataset) then
              match jobs |> List.filter (isStale teacher) with
              | [] -> ()
              | stale ->
                  let names = System.String.Join(", ", stale |> List.map _.FolderName)

                  $"The weights in {store.CheckpointOf(teacher.Spec, teacher.Dataset)} are not those that these completed runs learned from: {names}. "
                  + "To train them again, remove their folders." ]
