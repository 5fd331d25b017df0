/// The output of `plan`.
module ChannelDistillation.Lab.Overview.PlanText

open System
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Teachers.Signals
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Tables

/// The parameters of a loss that are not its defaults on the dataset: ` (temperature 8)`.
let private changed (dataset: DatasetSpec) (loss: LossSpec) =
    let show (value: obj) =
        match value with
        | :? float as number -> Numbers.show number
        | :? bool as flag -> if flag then "true" else "false"
        | other -> string other

    // A flag that is off is not stored.
    let valueOf (parameter: ParameterDescriptor) =
        match loss.Parameters |> Seq.tryFind (fun entry -> entry.Key = parameter.Name), parameter with
        | Some entry, _ -> show entry.Value
        | None, (:? ParameterDescriptor.Flag) -> "false"
        | None, _ -> show parameter.DefaultValue

    let differing =
        match LossCatalog.Find loss.Name with
        | null -> [ for entry in loss.Parameters -> $"{entry.Key} {show entry.Value}" ]
        | known ->
            [ for parameter in known.On(dataset.Name).Parameters do
                  if valueOf parameter <> show parameter.DefaultValue then
                      $"{parameter.Name} {valueOf parameter}" ]

    match differing with
    | [] -> ""
    | parameters -> $""" ({String.Join(", ", parameters)})"""

/// `kd 1 (temperature 8), cd 6`: each loss with its weight at full strength, and the parameters that are not defaults.
let private losses (spec: RunSpec) =
    String.Join(", ", spec.Losses |> Seq.map (fun loss -> loss.Name + " " + Numbers.show loss.Weight + changed spec.Dataset loss))

/// The number of rows, where it is not that of all points of the grid for all variants.
let private gridNote (plan: Plan) =
    let grid = plan.Experiment.Grid
    let sizes = [ for axis in grid.Product -> axis.Values.Length ] @ [ for group in grid.Zip -> group.Head.Values.Length ]
    let points = List.fold (*) 1 sizes
    let variants = plan.Experiment.Variants.Length

    if sizes.IsEmpty || not grid.Include.IsEmpty || plan.Rows.Length >= points * variants then
        None
    else
        let excluded = if grid.Exclude.IsEmpty then "" else "are excluded, or "

        Some(
            $"""Grid: {MessageFormat.count points "point"} for {MessageFormat.count variants "variant"} give {MessageFormat.count plan.Rows.Length "row"}, not {points * variants}: """
            + $"points that {excluded}differ only on axes that a variant does not use share a row."
        )

/// `done`, or `done in EXPERIMENT` for a run of another experiment.
let private stateOf (job: Job) =
    match job.SharedFrom with
    | Some experiment -> $"{job.State} in {experiment}"
    | None -> string job.State

/// Variants whose runs are those of others.
let private sharedRuns (jobs: Job list) =
    [ for variants, runs in
          jobs
          |> List.filter (fun job -> not job.Run.Others.IsEmpty)
          |> List.countBy (fun job -> List.distinct (job.Run.Variant :: List.map fst job.Run.Others)) do
          let trained = if runs = 1 then "it is trained once" else "each is trained once"
          $"""The variants {MessageFormat.codes variants} share {MessageFormat.count runs "run"}; {trained}.""" ]

let private steps (spec: RunSpec) (known: PlanInputs.Known) =
    match (PlanInputs.descriptor spec.Dataset known).Images spec.Dataset.HoldOut with
    | _ when known.IsError -> "number of images unknown"
    | struct (0, _) -> "number of images unknown"
    | struct (images, _) -> MessageFormat.count ((images + spec.Train.Batch - 1) / spec.Train.Batch) "step" + " per epoch"

let private estimate (known: Estimate.Estimate) =
    let memory =
        known.Bytes
        |> Option.map (fun bytes ->
            ", " + (float bytes / float (1 <<< 30)).ToString("F1", Globalization.CultureInfo.InvariantCulture) + " GiB of memory")
        |> Option.defaultValue ""

    $"  about {Figures.duration known.Time}{memory} ({known.Source})"

let private longestValue = 40

let private short (value: string) =
    if value.Length > longestValue then
        value.Substring(0, longestValue - 3) + "..."
    else
        value

/// The runs of a cohort. Settings that do not differ between them have no column.
/// <param name="axes">The axes that vary in the plan. Without any, a run's name says everything.</param>
let private table (axes: string list) (cohort: Job list) =
    let own = axes |> List.filter (fun axis -> cohort |> List.exists (fun job -> List.exists (fst >> (=) axis) job.Run.Axes))
    let epochs (job: Job) = job.Run.Spec.Train.Epochs
    let valueOf axis (job: Job) = job.Run.Axes |> List.tryFind (fst >> (=) axis) |> Option.map (snd >> short) |> Option.defaultValue ""

    let columns: (string * (Job -> string)) list =
        [ if axes.IsEmpty then
              "run", _.Run.Name
          else
              "variant", _.Run.Variant

              for axis in own do
                  TableLayout.shortAxis axis, valueOf axis

              "seed", (fun job -> string job.Run.Seed)
          if (List.distinctBy epochs cohort).Length > 1 && not (List.contains "train.epochs" own) then
              "epochs", (epochs >> string)
          "losses and weights", (fun job -> losses job.Run.Spec)
          "state", stateOf ]

    TextTable.aligned (List.map fst columns :: [ for job in cohort -> [ for _, cell in columns -> cell job ] ])

/// How `--only` names runs, which the table does not show if there are axes.
let private namesNote (axes: string list) (jobs: Job list) =
    match jobs |> List.tryFind (fun job -> job.Run.Axes |> List.exists (fun (axis, _) -> List.contains axis axes)) with
    | None -> []
    | Some job ->
        let row =
            string ({ Variant = job.Run.Variant; Point = job.Run.Axes |> List.filter (fun (axis, _) -> List.contains axis axes) }: Baseline)

        [ ""
          $"--only selects runs by name ({MessageFormat.code job.Run.Name}), row ({MessageFormat.code row}) or variant ({MessageFormat.code job.Run.Variant})." ]

/// The size of a cohort's complete cache of teacher outputs.
let private cacheNote (cohort: Job list) (known: PlanInputs.Known) =
    let specs = cohort |> List.map _.Run.Spec
    let dataset = PlanInputs.descriptor specs.Head.Dataset known

    match specs |> List.tryPick (fun spec -> Option.ofObj spec.Teacher |> Option.filter _.Cache) with
    | None -> None
    | Some teacher when not (ModelCatalog.StatesShapes teacher.Model) ->
        Some "  teacher outputs are cached; their size is unknown until the network is loaded"
    | Some teacher when known.IsOk && dataset.TrainingImages > 0 ->
        let struct (images, _) = dataset.Images specs.Head.Dataset.HoldOut
        Some $"  teacher outputs are cached: {ByteSize.Text(SignalCache.Size(List.toArray specs, teacher, dataset, images))} on disk"
    | Some _ -> Some "  teacher outputs are cached; their size depends on the number of images"

/// The total remaining time, if every unfinished cohort has an estimate.
let private total (estimates: Estimate.Estimate option list) =
    if estimates.Length > 1 && estimates |> List.forall Option.isSome then
        let sum = estimates |> List.sumBy (fun known -> known.Value.Time.TotalSeconds)
        [ ""; $"All cohorts: about {Figures.duration (TimeSpan.FromSeconds sum)}" ]
    else
        []

/// The whole output.
/// <param name="device">The device for the check for bfloat16.</param>
/// <param name="datasets">The result of <see cref="PlanInputs.survey"/>.</param>
/// <param name="teachers">The result of <see cref="PlanInputs.examine"/>.</param>
/// <param name="outdated">Warnings about outdated runs and teachers.</param>
/// <param name="costOf">The estimate for a cohort, if there is one.</param>
let render
    (workspace: Workspace)
    (device: string)
    (lanes: int)
    (plan: Plan)
    (jobs: Job list)
    (datasets: (DatasetSpec * PlanInputs.Known) list)
    (teachers: (Teachers.PlannedTeacher * TeacherFile option) list)
    (outdated: string list)
    (costOf: Job list -> Estimate.Estimate option)
    =
    let cohorts = Job.cohorts lanes jobs
    let isPending = List.exists (fun (job: Job) -> RunState.needsTraining false job.State)
    let estimates = cohorts |> List.map (fun cohort -> if isPending cohort then costOf cohort else None)

    let known = dict datasets
    let axes = jobs |> Seq.map _.Run.Axes |> TableLayout.varying

    [ plan.Experiment.Name
      + ": "
      + MessageFormat.count jobs.Length "run"
      + " in "
      + MessageFormat.count cohorts.Length "cohort"
      ""
      for dataset, known in datasets do
          PlanInputs.datasetNote workspace dataset known

          match known with
          | Ok(Some survey) -> yield! survey.Remarks
          | _ -> ()
      for teacher, file in teachers do
          PlanInputs.teacherNote workspace teacher file
          yield! TeacherChanges.note workspace teacher |> Option.toList

          match file |> Option.bind (Teachers.differences teacher) with
          | Some warning -> $"Warning: {warning}"
          | None -> ()
      yield! gridNote plan |> Option.toList
      yield! sharedRuns jobs
      yield! PrecisionWarnings.warnings (PrecisionWarnings.obstacles [ device ]) (jobs |> List.map _.Run.Spec)
      for index, cohort in List.indexed cohorts do
          let spec = cohort.Head.Run.Spec

          let epochs =
              match cohort |> List.map _.Run.Spec.Train.Epochs |> List.distinct with
              | [ epochs ] -> ", " + MessageFormat.count epochs "epoch"
              | _ -> ""

          ""
          $"""Cohort {index + 1}: {MessageFormat.count cohort.Length "run"}{epochs}, batch {spec.Train.Batch}, {steps spec known[spec.Dataset]}, data seed {spec.DataSeed}"""
          yield! cacheNote cohort known[spec.Dataset] |> Option.toList
          yield! estimates[index] |> Option.map estimate |> Option.toList

          yield! table axes cohort

      yield! namesNote axes jobs

      yield!
          total
              [ for known, cohort in List.zip estimates cohorts do
                    if isPending cohort then
                        known ]

      for warning in outdated do
          ""
          $"Warning: {warning}"

      match Job.withoutWeights jobs with
      | Some note ->
          ""
          note
      | None -> ()

      let heldOut = [ for job in jobs -> job.Run.Spec.Dataset.HoldOut |> Option.ofObj |> Option.map _.Share ]

      match
          Selection.warning (List.distinct heldOut) [ for row in plan.Rows -> row.Variant, TableLayout.withPaths plan.Experiment.Grid.Named row.Axes ]
      with
      | Some warning ->
          ""
          $"Warning: {warning}"
      | None -> ()

      match WeightChart.render plan with
      | [] -> ()
      | chart ->
          ""
          yield! chart

      let isUnknown known cohort = isPending cohort && Option.isNone known

      // Steps cannot be measured on a dataset without a known number of images.
      if List.exists2 isUnknown estimates cohorts && List.forall (fun (_, known: PlanInputs.Known) -> known.IsOk) datasets then
          ""
          "To estimate the time, use plan --measure." ]
    |> String.concat "\n"
    |> fun text -> text + "\n"
