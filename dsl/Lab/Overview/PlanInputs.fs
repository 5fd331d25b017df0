/// The datasets and teachers that a plan needs, as far as they exist.
module ChannelDistillation.Lab.Overview.PlanInputs

open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Runs

/// The teachers of some runs with their checkpoints, examined. None: the teacher has none here.
let examine (workspace: Workspace) (jobs: Job list) : (Teachers.PlannedTeacher * TeacherFile option) list =
    [ for teacher in jobs |> Seq.map _.Run |> Teachers.ofRuns -> teacher, Teachers.examine workspace teacher ]

/// Why existing checkpoints of teachers cannot be used.
let unusableTeachers (teachers: (Teachers.PlannedTeacher * TeacherFile option) list) : string list =
    teachers |> List.choose (fun (_, file) -> file |> Option.bind (_.Problem >> Option.ofObj)) |> List.distinct

/// Where a teacher comes from, in one line.
let teacherNote (workspace: Workspace) (teacher: Teachers.PlannedTeacher) (examined: TeacherFile option) =
    let store = TeacherStore workspace
    let name = teacher.Spec.Model.Name
    let known = KnownTeacherCatalog.Of(teacher.Spec, workspace) |> Option.ofObj
    let file = known |> Option.bind (_.Download >> Option.ofObj)

    match Option.ofObj teacher.Spec.Train, known, file with
    | _ when examined.IsSome && not (isNull examined.Value.Problem) -> examined.Value.Problem |> nonNull
    | _ when examined.IsSome && examined.Value.Place <> "" ->
        $"Teacher {name}: {store.CheckpointOf(teacher.Spec, teacher.Dataset)} ({examined.Value.Place})"
    | _ when store.Exists(teacher.Spec, teacher.Dataset) -> $"Teacher {name}: {store.CheckpointOf(teacher.Spec, teacher.Dataset)}"
    | Some train, _, _ -> $"""Teacher {name}: sweep trains it first, {MessageFormat.count train.Epochs "epoch"}; not included in the times below."""
    | None, Some known, Some file -> $"Teacher {name}: {known.Name}, to be downloaded by sweep ({ByteSize.Text file.Bytes})."
    | None, Some known, None -> $"Teacher {name}: not on this machine. {KnownTeacherStore.MissingMessage known}"
    | None, None, _ -> $"Teacher {name}: its checkpoint {store.CheckpointOf(teacher.Spec, teacher.Dataset)} does not exist; sweep needs it."

/// The survey of a dataset. None: it is missing; Error: it exists and is unusable.
type Known = Result<DatasetSurvey option, string>

let private surveyOne (workspace: Workspace) (dataset: DatasetSpec) : Known =
    try
        Ok(DatasetStore.Survey(dataset, workspace) |> Option.ofObj)
    with :? MissingException as error ->
        Error error.Message

/// Surveys every dataset of a plan, once.
let survey (workspace: Workspace) (jobs: Job list) : (DatasetSpec * Known) list =
    jobs |> List.map _.Run.Spec.Dataset |> List.distinct |> List.map (fun dataset -> dataset, surveyOne workspace dataset)

/// Why existing datasets are unusable.
let unusable (datasets: (DatasetSpec * Known) list) : string list =
    datasets
    |> List.choose (fun (_, known) ->
        match known with
        | Error reason -> Some reason
        | Ok _ -> None)

/// The descriptor of the survey, or the catalog's if the dataset is missing or unusable.
let descriptor (dataset: DatasetSpec) (known: Known) =
    match known with
    | Ok(Some survey) -> survey.Descriptor
    | _ -> DatasetCatalog.Describe dataset

/// The descriptor of a dataset whose number of images is known.
let images (dataset: DatasetSpec) (datasets: (DatasetSpec * Known) list) : DatasetDescriptor option =
    datasets
    |> List.tryPick (fun (other, known) -> if other = dataset && known.IsOk then Some(descriptor dataset known) else None)
    |> Option.filter (fun dataset -> dataset.TrainingImages > 0)

/// Where a dataset comes from, in one line.
let datasetNote (workspace: Workspace) (dataset: DatasetSpec) (known: Known) =
    let name = dataset.DisplayName

    let heldOut =
        match dataset.HoldOut with
        | null -> ""
        | held -> $" {100.0 * held.Share:G4} %% of its training images are held out for validation."

    let where =
        match known with
        | Ok(Some survey) when survey.Descriptor.Format = DatasetFormat.ImageFolder ->
            $"Dataset {name}: {survey.Descriptor.TrainingImages} training images and {survey.Descriptor.ValidationImages} validation images."
        | Ok(Some _) -> $"Dataset {name}: available."
        | Error reason -> $"Dataset {name}: unusable. {reason}"
        | Ok None when DatasetStore.CanFetch dataset && isNull (DatasetStore.Convertible(dataset, workspace)) ->
            $"Dataset {name}: to be downloaded by sweep ({ByteSize.Text(DatasetCatalog.Describe(dataset).DownloadBytes)})."
        | Ok None when DatasetStore.CanFetch dataset -> $"Dataset {name}: {DatasetStore.MissingMessage(dataset, workspace)}"
        | Ok None -> $"Dataset {name}: not on this machine. {DatasetStore.MissingMessage(dataset, workspace)}"

    where + heldOut
