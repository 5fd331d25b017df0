namespace ChannelDistillation.Lab.Sweep

open System.Threading
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs

/// Prepares what runs need before they start: fetches datasets and known teachers, trains teachers with a recipe.
module Prerequisites =
    let downloader (observer: IWorkObserver) = Downloader(DownloadSettings.FromEnvironment(), observer)

    /// The known teacher whose file is needed and missing.
    let private missingKnown (store: TeacherStore) (workspace: Workspace) (teacher: Teachers.PlannedTeacher) =
        if store.Exists(teacher.Spec, teacher.Dataset) then
            None
        else
            KnownTeacherCatalog.Of(teacher.Spec, workspace) |> Option.ofObj

    /// Fails before anything is fetched or trained if the checkpoint of any cohort is missing and cannot be downloaded.
    let checkTeachers (workspace: Workspace) (teachers: Teachers.PlannedTeacher list) =
        let store = TeacherStore workspace

        for teacher in teachers do
            if isNull teacher.Spec.Train && not (store.Exists(teacher.Spec, teacher.Dataset)) then
                match missingKnown store workspace teacher with
                | Some known when not (isNull known.Download) -> ()
                | Some known -> raise (MissingException(KnownTeacherStore.MissingMessage known))
                | None ->
                    let path = store.CheckpointOf(teacher.Spec, teacher.Dataset)

                    raise (
                        MissingException(
                            $"The teacher's checkpoint {path} does not exist. Put the file there, or let the experiment train its teacher: "
                            + $"teacher: {{ model: {teacher.Spec.Model.Name}, train: {{ epochs: ... }} }}"
                        )
                    )

    /// Fails if a dataset is unusable, or missing and cannot be downloaded.
    let checkDatasets (workspace: Workspace) (datasets: DatasetSpec list) =
        for dataset in List.distinct datasets do
            if isNull (DatasetStore.Survey(dataset, workspace)) && not (DatasetStore.CanFetch dataset) then
                raise (MissingException(DatasetStore.MissingMessage(dataset, workspace)))

    /// Fails before anything is trained or written if the checkpoint of a teacher cannot be used.
    /// Returns warnings about how the teachers were trained.
    let checkTeacherFiles (workspace: Workspace) (teachers: Teachers.PlannedTeacher list) : string list =
        let files =
            teachers |> List.choose (fun teacher -> Teachers.examine workspace teacher |> Option.map (fun file -> teacher, file))

        match files |> List.choose (fun (_, file) -> Option.ofObj file.Problem) |> List.distinct with
        | [] -> files |> List.choose (fun (teacher, file) -> Teachers.differences teacher file) |> List.distinct
        | problems -> raise (MissingException(System.String.Join("\n", problems)))

    /// Downloads missing datasets and known teachers. Shows no progress if none is missing.
    let fetch (workspace: Workspace) quiet (datasets: DatasetSpec list) (teachers: Teachers.PlannedTeacher list) (stop: CancellationToken) =
        let datasets = datasets |> List.distinct |> List.filter (fun dataset -> not (DatasetStore.Exists(dataset, workspace)))
        let known = teachers |> List.choose (missingKnown (TeacherStore workspace) workspace) |> List.distinct

        if not (datasets.IsEmpty && known.IsEmpty) then
            Progress.fetching quiet (fun observer ->
                let downloader = downloader observer

                for dataset in datasets do
                    DatasetStore.Fetch(DatasetCatalog.Describe dataset, workspace, downloader, stop)

                for teacher in known do
                    KnownTeacherStore.Fetch(teacher, workspace, downloader, stop))

    /// Trains a teacher that has a recipe, unless it is complete.
    /// <exception cref="TeacherFailedException">The teacher diverged or failed, now or in an earlier command.</exception>
    let train (store: TeacherStore) retryFailed (options: TrainingOptions) (observer: TrainingEvent -> unit) (teacher: Teachers.PlannedTeacher) stop =
        if store.GaveUp(teacher.Spec, teacher.Dataset) && not retryFailed then
            raise (
                TeacherFailedException $"The teacher {teacher.Spec.Model.Name} diverged or failed in an earlier command; --retry-failed retries it."
            )

        if not (store.IsIntact(teacher.Spec, teacher.Dataset)) then
            store.Train(teacher.Spec, teacher.Dataset, options, observer, stop)
