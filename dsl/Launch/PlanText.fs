/// What `plan` shows.
module ChannelDistillation.Dsl.Launch.PlanText

open System
open ChannelDistillation
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Specs
open ChannelDistillation.Teachers

let private counted n (word: string) = if n = 1 then $"1 {word}" else $"{n} {word}s"

/// `kd 1, cd 6`: each loss with its weight at full strength.
let private losses (spec: RunSpec) =
    String.Join(
        ", ",
        spec.Losses
        |> Seq.map (fun loss -> loss.Name + " " + loss.Weight.ToString("R", Globalization.CultureInfo.InvariantCulture))
    )

let private columns (rows: string list list) =
    let widths = rows |> List.transpose |> List.map (List.map String.length >> List.max)

    rows
    |> List.map (fun row -> "  " + String.Join("  ", List.map2 (fun (cell: string) width -> cell.PadRight width) row widths).TrimEnd())

let private teacherNote (workspace: Workspace) (teacher: Teachers.PlannedTeacher) =
    let store = TeacherStore workspace
    let name = teacher.Spec.Model.Name

    match store.IsThere(teacher.Spec, teacher.Dataset), Option.ofObj teacher.Spec.Train with
    | true, _ -> $"Teacher {name}: {store.CheckpointOf(teacher.Spec, teacher.Dataset)}"
    | false, Some train -> $"Teacher {name}: sweep trains it first, {train.Epochs} epochs."
    | false, None -> $"Teacher {name}: its checkpoint {store.CheckpointOf(teacher.Spec, teacher.Dataset)} is not there; sweep needs it."

let private datasetNote (workspace: Workspace) (dataset: DatasetSpec) =
    let name = Option.ofObj dataset.Folder |> Option.defaultValue dataset.Name

    if DatasetStore.IsThere(dataset, workspace) then
        $"Dataset {name}: there."
    else
        $"Dataset {name}: not on this machine yet; sweep fetches it where it can."

let render (workspace: Workspace) (lanes: int) (plan: Plan) (jobs: Job list) =
    let cohorts = Job.cohorts lanes jobs
    let datasets = jobs |> List.map _.Run.Spec.Dataset |> List.distinct

    [ plan.Experiment.Name + ": " + counted jobs.Length "run" + " in " + counted cohorts.Length "cohort"
      ""
      for dataset in datasets do
          datasetNote workspace dataset
      for teacher in Teachers.ofPlan plan do
          teacherNote workspace teacher
      for index, cohort in List.indexed cohorts do
          let spec = cohort.Head.Run.Spec
          ""
          $"""Cohort {index + 1}: {counted cohort.Length "run"}, batch {spec.Train.Batch}, data seed {spec.DataSeed}"""

          yield!
              columns (
                  [ "run"; "epochs"; "losses and their weights"; "state" ]
                  :: [ for job in cohort -> [ job.Run.Name; string job.Run.Spec.Train.Epochs; losses job.Run.Spec; string job.State ] ]
              )

      match WeightChart.render plan with
      | [] -> ()
      | chart ->
          ""
          yield! chart ]
    |> String.concat "\n"
    |> fun text -> text + "\n"
