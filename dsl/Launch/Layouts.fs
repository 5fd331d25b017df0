/// From a plan to what its table shows.
module ChannelDistillation.Dsl.Launch.Layouts

open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Report
open ChannelDistillation.Losses
open ChannelDistillation.Models
open ChannelDistillation.Records
open ChannelDistillation.Specs

let private datasetName (dataset: DatasetSpec) = Option.ofObj dataset.Folder |> Option.defaultValue dataset.Name

let private several (values: string seq) = values |> Seq.distinct |> String.concat ", "

/// Errors of teachers, by their keys, as an earlier layout knew them.
let knownErrors (earlier: Layout option) =
    let known = Dictionary<string, EpochErrors>()

    for layout in Option.toList earlier do
        for teacher in layout.Teachers do
            teacher.Errors |> Option.iter (fun errors -> known[teacher.Key] <- errors)

    known

let private isAssisted (row: Row) = row.Runs.Head.Spec.Losses |> Seq.exists (fun loss -> LossCatalog.Get(loss.Name).AddsAssistant)

let private costOf (model: ModelSpec) (dataset: DatasetSpec) : Cost option =
    let cost = ModelCost.Of(model, dataset)
    Some { Parameters = cost.Parameters; MultiplyAdds = cost.MultiplyAdds }

let ofPlan (plan: Plan) (jobs: Job list) (known: IReadOnlyDictionary<string, EpochErrors>) : Layout =
    let experiment = plan.Experiment
    let folders = dict [ for job in jobs -> SpecJson.Hash job.Run.Spec, job.FolderName ]
    let specs = plan.Runs |> List.map _.Spec

    { Experiment = experiment.Name
      Description = experiment.Description
      Dataset = several (specs |> Seq.map (fun spec -> datasetName spec.Dataset))
      Student = several (specs |> Seq.map _.Student.Name)
      Epochs = specs |> List.map _.Train.Epochs |> List.distinct
      Seeds = plan.Runs |> List.map _.Seed |> List.distinct
      HeldOut = specs |> List.map (fun spec -> spec.Dataset.HeldOut |> Option.ofObj |> Option.map _.Share) |> List.distinct
      Caches =
        specs
        |> List.choose (fun spec ->
            Option.ofObj spec.Teacher
            |> Option.map (fun teacher ->
                if teacher.Cache then
                    Some { Views = Option.ofNullable spec.Dataset.Views }
                else
                    None))
        |> List.distinct
      Precisions = specs |> List.map _.Train.Precision |> List.distinct
      Command = None
      Teachers =
        [ for teacher in Teachers.ofPlan plan ->
              { Model = teacher.Spec.Model.Name
                Axes = teacher.Axes
                Key = teacher.Key
                Cost = costOf teacher.Spec.Model teacher.Dataset
                Errors =
                  match known.TryGetValue teacher.Key with
                  | true, errors -> Some errors
                  | _ -> None
                Published = Teachers.published plan teacher } ]
      Hashes = Map [ for entry in folders -> entry.Value, entry.Key ]
      Rows =
        [ for row in plan.Rows do
              { Variant = row.Variant
                Axes = row.Axes
                Folders = row.Runs |> List.map (fun run -> folders[SpecJson.Hash run.Spec])
                Seeds = row.Runs |> List.map _.Seed
                Cost = (let spec = row.Runs.Head.Spec in costOf (LossCatalog.Network spec) spec.Dataset)
                Published = row.PublishedAs row.Variant
                Assisted = isAssisted row }
          for row in plan.Literature do
              { Variant = row.Name
                Axes = row.Axes
                Folders = []
                Seeds = []
                Cost = None
                Published = Some row.Numbers
                Assisted = false } ] }
