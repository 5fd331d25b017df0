/// Measures the networks of an experiment in ONNX Runtime.
module ChannelDistillation.Lab.Runs.Deployments

open System
open System.IO
open System.Text.Json.Nodes
open System.Threading
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables

/// A network and the images that it classifies.
type private Measured = (struct (ModelSpec * DatasetSpec))

let private specOf (experimentFolder: string) (folder: string) : JsonObject option =
    Option.ofObj (RunFolder(Path.Combine(experimentFolder, folder)).ReadRun())
    |> Option.bind (fun run ->
        match run["spec"] with
        | :? JsonObject as spec -> Some spec
        | _ -> None)

/// The built-in network of a run; TorchScript networks have no layers to translate.
let private networkOf (model: ModelSpec | null) (spec: JsonObject) : Measured option =
    match model, SpecReader.Dataset spec["dataset"] with
    | null, _
    | _, null -> None
    | model, dataset -> if isNull model.Script then Some(struct (model, dataset)) else None

let private teacherOf (spec: JsonObject) : ModelSpec | null =
    match spec["teacher"] with
    | null -> null
    | teacher -> SpecReader.Model teacher["model"]

/// The network of each row that was trained, and of each teacher of a trained row.
let private networks (experimentFolder: string) (results: Results) : (ResultRow * Cost * Measured) list =
    let layout = results.Layout
    let firstSpec (row: LayoutRow) = row.Folders |> List.tryPick (specOf experimentFolder)
    let specs = layout.Rows |> List.map (fun row -> row, firstSpec row)
    let teachers, students = results.Rows |> List.splitAt layout.Teachers.Length

    let ofTeacher (row: ResultRow) =
        specs
        |> List.filter (fun (other, _) -> TableLayout.agree other.Axes row.Axes)
        |> List.tryPick (snd >> Option.bind (fun spec -> networkOf (teacherOf spec) spec))

    [ for row in teachers -> row, ofTeacher row
      for row, (_, spec) in List.zip students specs -> row, spec |> Option.bind (fun spec -> networkOf (CheckpointOrigin.Trained spec) spec) ]
    |> List.choose (fun (row, network) -> Option.map2 (fun cost network -> row, cost, network) row.Cost network)

/// Measures every network once, and stores the measurements in the experiment's folder, for tables and for report.html. None: nothing was trained yet.
/// <param name="threads">CPU threads of ONNX Runtime.</param>
/// <exception cref="OperationCanceledException">Cancelled.</exception>
let measure (threads: int) (clock: TimeProvider) (stop: CancellationToken) (experimentFolder: string) (results: Results) : Deployment option =
    match networks experimentFolder results with
    | [] -> None
    | rows ->
        let distinct = rows |> List.map (fun (_, _, network) -> network) |> List.distinct
        let costs = dict (Seq.zip distinct (DeployTiming.Measure(List.toArray distinct, threads, clock, stop)))

        let deployment =
            Deployment(
                threads,
                Machine.Processor(),
                OnnxSession.RuntimeVersion,
                [| for row, cost, network in rows ->
                       DeployedRow(
                           row.Variant,
                           dict row.Axes |> Collections.Generic.Dictionary,
                           cost.Parameters,
                           defaultArg cost.MultiplyAdds 0L,
                           costs[network]
                       ) |]
            )

        deployment.Write experimentFolder
        Some deployment
