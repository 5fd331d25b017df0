/// The teachers of a plan.
module ChannelDistillation.Lab.Runs.Teachers

open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning

type PlannedTeacher =
    {
        Spec: TeacherSpec
        Dataset: DatasetSpec
        /// Of the runs that it teaches.
        Precision: Precision
        Key: string
        /// The axes that select it.
        Axes: (string * string) list
    }

/// Identifies a teacher: by the run that trains it, or by its checkpoint.
let keyOf (teacher: TeacherSpec) (dataset: DatasetSpec) =
    match teacher.AsRun dataset |> Option.ofObj with
    | Some run -> SpecJson.Hash run
    | None ->
        let content =
            match teacher.Model.Script with
            | null -> teacher.Checkpoint
            | script -> script.Sha256

        $"{teacher.Model.Name} {content} {teacher.BatchNorm} on {dataset.Name} {dataset.Folder}"

let ofRun (run: PlannedRun) =
    Option.ofObj run.Spec.Teacher
    |> Option.map (fun teacher ->
        { Spec = teacher
          Dataset = run.Spec.Dataset
          Precision = run.Spec.Train.Precision
          Key = keyOf teacher run.Spec.Dataset
          Axes = run.TeacherAxes })

/// The published errors of a known teacher.
let private ofSource (teacher: PlannedTeacher) : PublishedRow option =
    KnownTeacherCatalog.Of(teacher.Spec.Model.Name, teacher.Spec.Checkpoint)
    |> Option.ofObj
    |> Option.filter (fun known -> known.Dataset = teacher.Dataset.Name)
    |> Option.map (fun known ->
        { Top1Error = Some known.Top1Error
          Top5Error = Option.ofNullable known.Top5Error
          Source = Some known.Source
          Protocol = None })

/// The published errors of a teacher from the experiment's `published`, else from its source.
let published (plan: Plan) (teacher: PlannedTeacher) : PublishedRow option =
    plan.Rows
    |> Seq.choose (fun row -> row.PublishedAs "teacher" |> Option.map (fun numbers -> row, numbers))
    |> Seq.tryPick (fun (row, numbers) ->
        match ofRun row.Runs.Head with
        | Some other when other.Key = teacher.Key -> Some numbers
        | _ -> None)
    |> Option.orElseWith (fun () -> ofSource teacher)

/// The distinct teachers of some runs, in the order of the runs.
let ofRuns (runs: PlannedRun seq) : PlannedTeacher list =
    runs
    |> Seq.filter (fun run -> not (isNull run.Spec.Teacher))
    // Many runs share a teacher, and computing its key takes time.
    |> Seq.distinctBy (fun run -> struct (run.Spec.Teacher, run.Spec.Dataset))
    |> Seq.choose ofRun
    |> Seq.distinctBy _.Key
    |> Seq.toList

let ofPlan (plan: Plan) = ofRuns plan.Runs

/// The teacher's checkpoint, examined. None: it has none here.
let examine (workspace: Workspace) (teacher: PlannedTeacher) : TeacherFile option =
    TeacherFile.Of(workspace, teacher.Spec, teacher.Dataset, teacher.Precision) |> Option.ofObj

/// A warning if the training of a teacher, as far as its file records it, does not match the experiment.
let differences (teacher: PlannedTeacher) (file: TeacherFile) : string option =
    if file.Differences.Count = 0 then
        None
    else
        let each = System.String.Join("; ", file.Differences)
        Some $"The training of the teacher {teacher.Spec.Model.Name} does not match this experiment: {each}."
