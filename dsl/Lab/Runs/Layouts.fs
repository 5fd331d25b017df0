/// Builds the layout of the tables from a plan.
module ChannelDistillation.Lab.Runs.Layouts

open System.Collections.Generic
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Runs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables

let private several (values: string seq) = values |> Seq.distinct |> String.concat ", "

/// Values from earlier commands that are reused.
type Known =
    {
        /// Errors of teachers by key.
        Errors: Dictionary<string, EpochErrors>
        /// Costs of teachers by key, and of students by the hashes of their runs.
        Costs: Dictionary<string, Cost>
        /// The command that wrote the tables.
        Command: string option
    }

/// The values of an earlier layout.
let known (earlier: TableLayout option) : Known =
    let known = { Errors = Dictionary(); Costs = Dictionary(); Command = earlier |> Option.bind _.Command }

    for layout in Option.toList earlier do
        for teacher in layout.Teachers do
            teacher.Errors |> Option.iter (fun errors -> known.Errors[teacher.Key] <- errors)
            teacher.Cost |> Option.iter (fun cost -> known.Costs[teacher.Key] <- cost)

        for row in layout.Rows do
            match row.Cost, row.Folders |> List.tryPick layout.Hashes.TryFind with
            | Some cost, Some hash -> known.Costs[hash] <- cost
            | _ -> ()

    known

let private isAssisted (row: Row) = row.Runs.Head.Spec.Losses |> Seq.exists (fun loss -> LossCatalog.Describe(loss).AddsAssistant)

let private teacherNetwork (teacher: Teachers.PlannedTeacher) = CountedModel.Of(teacher.Spec.Model, teacher.Dataset)
let private rowNetwork (row: Row) = let spec = row.Runs.Head.Spec in CountedModel.Of(LossCatalog.Network spec, spec.Dataset)

/// The distinct networks whose costs the tables of a plan show.
let networks (plan: Plan) : CountedModel list =
    (Teachers.ofPlan plan |> List.map teacherNetwork) @ (plan.Rows |> List.map rowNetwork) |> List.distinct

/// The cost of a network, for `ofPlan`. `counted` counts it if necessary, which runs the network; `knownCost` returns null instead.
let counted (network: CountedModel) : ModelCost | null = ModelCost.Of network
let knownCost (network: CountedModel) : ModelCost | null = ModelCost.Known network

/// For commands that do not train: like `counted`, but TorchScript networks are not executed; for these, the costs counted by a sweep are used.
let describedCost (network: CountedModel) : ModelCost | null = if isNull network.Model.Script then counted network else knownCost network

let ofPlan (cost: CountedModel -> ModelCost | null) (plan: Plan) (jobs: Job list) (known: Known) : TableLayout =
    let experiment = plan.Experiment

    let costOf (key: string) (network: CountedModel) : Cost option =
        match known.Costs.TryGetValue key with
        | true, cost -> Some cost
        | _ ->
            Option.ofObj (cost network)
            |> Option.map (fun cost -> { Parameters = cost.Parameters; MultiplyAdds = Option.ofNullable cost.MultiplyAdds })

    let folders = dict [ for job in jobs -> SpecJson.Hash job.Run.Spec, job.FolderName ]
    let specs = plan.Runs |> List.map _.Spec

    { Experiment = experiment.Name
      Description = experiment.Description
      Dataset = several (specs |> Seq.map (fun spec -> spec.Dataset.DisplayName))
      Student = several (specs |> Seq.map _.Student.Name)
      Epochs = specs |> List.map _.Train.Epochs |> List.distinct
      Seeds = plan.Runs |> List.map _.Seed |> List.distinct
      HoldOut = specs |> List.map (fun spec -> spec.Dataset.HoldOut |> Option.ofObj |> Option.map _.Share) |> List.distinct
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
                Cost = costOf teacher.Key (teacherNetwork teacher)
                Errors =
                  match known.Errors.TryGetValue teacher.Key with
                  | true, errors -> Some errors
                  | _ -> None
                Published = Teachers.published plan teacher } ]
      Named = experiment.Grid.Named
      Hashes = Map [ for entry in folders -> entry.Value, entry.Key ]
      Rows =
        [ for row in plan.Rows do
              { Variant = row.Variant
                Axes = row.Axes
                Folders = row.Runs |> List.map (fun run -> folders[SpecJson.Hash run.Spec])
                Seeds = row.Runs |> List.map _.Seed
                Cost = costOf (SpecJson.Hash row.Runs.Head.Spec) (rowNetwork row)
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
