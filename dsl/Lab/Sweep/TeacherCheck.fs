/// Compares the measured errors of a teacher with the stated ones before any run trains with it.
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

/// In percentage points. Other software changes an error by some hundredths of a point, another JPEG decoder by some tenths.
let private tolerance = 1.0

let private percent (value: float) = value.ToString("F2", CultureInfo.InvariantCulture)

let private isFromFile (teacher: Teachers.PlannedTeacher) = isNull teacher.Spec.Train

/// The stated top-1 error of a teacher from a file, and its source. A teacher trained by recipe has none.
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

/// The errors of a teacher in one line.
let row (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) =
    $"Teacher {teacher.Spec.Model.Name}: {percent errors.Top1Error} %% top-1 error, {percent errors.Top5Error} %% top-5 error."

let private usualCauses =
    "Common causes: another normalisation of the images than in its training (`dataset: { normalize: ... }`), another order of the classes, wrong "
    + "weights, other images."

/// A warning if the error of a teacher differs from the stated one, or is no better than chance.
let warning (workspace: Workspace) (plan: Plan) (teacher: Teachers.PlannedTeacher) (errors: EpochErrors) : string option =
    let chance = 100.0 - 100.0 / float (DatasetCatalog.Describe teacher.Dataset).Classes

    match declared workspace plan teacher with
    | Some(top1, source) when abs (errors.Top1Error - top1) > tolerance ->
        Some
            $"The teacher {teacher.Spec.Model.Name} has {percent errors.Top1Error} %% top-1 error here, but {source} states {percent top1} %%. {usualCauses}"
    | None when isFromFile teacher && errors.Top1Error >= chance ->
        Some
            $"The teacher {teacher.Spec.Model.Name} has {percent errors.Top1Error} %% top-1 error here, which is no better than chance. {usualCauses}"
    | _ -> None
