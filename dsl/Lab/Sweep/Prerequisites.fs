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

/// What runs need before they can start: datasets and known teachers are fetched, teachers with a recipe are trained.
module Prerequisites =
    let downloader (observer: IWorkObserver) = Downloader(DownloadSettings.FromEnvironment(), observer)

    /// The known teacher whose file is wanted and not there.
    let private missingKnown (store: TeacherStore) (workspace: Workspace) (teacher: Teachers.PlannedTeacher) =
        if store.IsThere(teacher.Spec, teacher.Dataset) then
            None
        else
            KnownTeacherCatalog.Of(teacher.Spec, workspace) |> Option.ofObj

    /// Nothing is fetched or trained if the checkpoint of a later cohort is missing and cannot be had.
    let checkTeachers (workspace: Workspace) (teachers: Teachers.PlannedTeacher list) =
        let store = TeacherStore workspace

        for teacher in teachers do
            if isNull teacher.Spec.Train && not (store.IsThere(teacher.Spec, teacher.Dataset)) then
                match missingKnown store workspace teacher with
                | Some known when not (isNull known.Download) -> ()
                | Some known -> raise (MissingException(KnownTeacherStore.WhatIsMissing known))
                | None ->
                    let path = store.CheckpointOf(teacher.Spec, teacher.Dataset)

                    raise (
                        MissingException(
                            $"The teacher's checkpoint {path} is not there. Put the file there, or let the experiment train its teacher: "
                            + $"teacher: {{ model: {teacher.Spec.Model.Name}, train: {{ epochs: ... }} }}"
                        )
                    )

    /// Downloads what is not there of datasets and known teachers. Shows nothing where all of it is there.
    let fetch (workspace: Workspace) quiet (datasets: DatasetSpec list) (teachers: Teachers.PlannedTeacher list) (stop: CancellationToken) =
        let datasets = datasets |> List.distinct |> List.filter (fun dataset -> not (DatasetStore.IsThere(dataset, workspace)))
        let known = teachers |> List.choose (missingKnown (TeacherStore workspace) workspace) |> List.distinct

        if not (datasets.IsEmpty && known.IsEmpty) then
            Progress.fetching quiet (fun observer ->
                let downloader = downloader observer

                for dataset in datasets do
                    DatasetStore.Fetch(DatasetCatalog.Describe dataset, workspace, downloader, stop)

                for teacher in known do
                    KnownTeacherStore.Fetch(teacher, workspace, downloader, stop))

    /// Trains a teacher that has a recipe, unless it is there and whole.
    /// <exception cref="TeacherFailedException">It diverged or failed, now or before.</exception>
    let train (store: TeacherStore) retryFailed (options: TrainingOptions) (observer: TrainingEvent -> unit) (teacher: Teachers.PlannedTeacher) stop =
        if store.GaveUp(teacher.Spec, teacher.Dataset) && not retryFailed then
            raise (TeacherFailedException $"The teacher {teacher.Spec.Model.Name} could not be trained before; --retry-failed tries it again.")

        if not (store.IsWhole(teacher.Spec, teacher.Dataset)) then
            store.Train(teacher.Spec, teacher.Dataset, options, observer, stop)
