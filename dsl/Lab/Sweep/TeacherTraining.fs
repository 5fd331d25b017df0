namespace ChannelDistillation.Lab.Sweep

open System
open System.Threading
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs

type TeacherOptions =
    {
        Workspace: Workspace
        /// `auto`, `cpu`, `cuda` or `cuda:N`.
        Device: string
        Threads: int option
        ComputeSettings: ComputeSettings
        RetryFailed: bool
        Quiet: bool
    }

/// How the training of a teacher ended.
type TeacherOutcome =
    | Ready of EpochErrors
    | Stopped
    | GivenUp of reason: string

/// Trains only the teachers of an experiment, as its sweep would.
module TeacherTraining =
    /// The teachers for which the experiment has a recipe.
    let private trained (plan: Plan) =
        let teachers = Teachers.ofPlan plan

        match teachers |> List.filter (fun teacher -> not (isNull teacher.Spec.Train)) with
        | [] when teachers.IsEmpty -> raise (UsageError $"{plan.Experiment.Name} has no teacher to train.")
        | [] ->
            let files =
                String.Join(
                    ", ",
                    [ for teacher in teachers -> teacher.Spec.Checkpoint |> Option.ofObj |> Option.defaultValue teacher.Spec.Model.Name ]
                    |> List.distinct
                )

            raise (
                UsageError(
                    $"{plan.Experiment.Name} reads its teacher from {files} and has no recipe for it. "
                    + "To train a teacher, write teacher: { model: resnet20, train: { epochs: 30 } }"
                )
            )
        | recipes -> recipes

    /// Trains each teacher. Returns them with their outcomes, in the order of the plan.
    let run (options: TeacherOptions) (plan: Plan) (stop: CancellationToken) : (Teachers.PlannedTeacher * TeacherOutcome) list =
        let store = TeacherStore options.Workspace
        let teachers = trained plan
        let pending = teachers |> List.filter (fun teacher -> not (store.IsIntact(teacher.Spec, teacher.Dataset)))

        let training =
            lazy
                (options.Threads |> Option.iter Devices.UseThreads

                 TrainingOptions(
                     options.Workspace,
                     ComputeSettings.choose options.Device options.ComputeSettings,
                     Layout = options.ComputeSettings.Layout
                 ))

        try
            Prerequisites.fetch options.Workspace options.Quiet (pending |> List.map _.Dataset) [] stop
        with :? OperationCanceledException ->
            ()

        Progress.during options.Quiet pending.Length (fun observer ->
            let say text = observer (TrainingEvent.Message text)

            if not (options.Quiet || pending.IsEmpty || stop.IsCancellationRequested) then
                say $"""Training {MessageFormat.count pending.Length "teacher"} on {training.Value.Device}."""
                Option.ofObj (Devices.Hint options.Device) |> Option.iter say

            [ for teacher in teachers do
                  let outcome =
                      try
                          if List.contains teacher pending && not stop.IsCancellationRequested then
                              Prerequisites.train store options.RetryFailed training.Value observer teacher stop

                          if store.Exists(teacher.Spec, teacher.Dataset) then
                              Ready(store.Errors(teacher.Spec, teacher.Dataset, training.Value, stop))
                          else
                              Stopped
                      with
                      | :? TeacherFailedException as failed -> GivenUp failed.Message
                      | :? OperationCanceledException -> Stopped

                  teacher, outcome ])
