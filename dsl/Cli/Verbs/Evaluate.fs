/// `evaluate CHECKPOINT`: measures the errors of a checkpoint, also of PyTorch's.
module ChannelDistillation.Cli.EvaluateVerb

open System
open System.IO
open System.Text.Json.Nodes
open Argu
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Data
open ChannelDistillation.TorchScript
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type EvaluateArguments =
    | [<MainCommand; ExactlyOnce>] Checkpoint of checkpoint: string
    | [<Unique>] Model of model: string
    | [<Unique>] Dataset of ``name or folder``: string
    | [<Unique>] Stem of stem: string
    | [<Unique>] TorchScript of file: string
    | [<Unique>] Device of device: string
    | [<Unique>] Threads of n: int
    | [<Unique>] Layout of layout: string
    | [<Unique>] Deterministic
    | [<Unique>] Tf32 of switch: string
    | [<Unique>] Json

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Checkpoint _ -> "a run's checkpoint, a PyTorch file (.pth, .pt) or a safetensors file"
            | Model _ -> "the model of the weights; default: that of the checkpoint's run, or the one that its tensors match"
            | Dataset _ -> "a dataset, a folder with val/CLASS/*.jpg or a packed copy; default: that of the checkpoint's run"
            | TorchScript _ ->
                "the TorchScript file of the network, whose code is executed; default: that of the checkpoint's run, if it was trained here"
            | Stem _ -> "cifar or imagenet; default: the one that the tensors match"
            | Device _ -> "auto, cpu, cuda or cuda:N; default auto: a GPU if there is one"
            | Threads _ -> "CPU threads; default: all cores"
            | Layout _ -> "memory layout on the CPU: auto, channels-last or contiguous; default channels-last; auto uses the faster one, timed once"
            | Deterministic -> "on a GPU: identical results from run to run, more slowly (docs/gpu.md)"
            | Tf32 _ -> "on a GPU, on or off: compute convolutions in TensorFloat-32; default on"
            | Json -> "print JSON"

/// Which of several networks in the file was evaluated, the epoch of a training checkpoint, and the precision if it is not float32.
let private remarks (file: CheckpointFile) (precision: Precision) (weights: WeightSet) =
    [ if file.Sets.Count > 1 then
          weights.Place
      yield! Checkpoints.epochOf file |> Option.map (fun epoch -> $"epoch {epoch}") |> Option.toList
      if precision <> Precision.Float32 then
          $"computed in {SpecJson.NameOf precision}" ]

let private nameOf (dataset: DatasetSpec) = dataset.Folder |> Option.ofObj |> Option.map shown |> Option.defaultValue dataset.Name

let private line (file: CheckpointFile) precision (model: ModelSpec) (dataset: DatasetSpec) (weights: WeightSet) images (errors: EpochErrors) =
    let top1, top5 = Figures.percent errors.Top1Error, Figures.percent errors.Top5Error
    let which = String.Join(", ", shown file.Path :: remarks file precision weights)
    $"{model.Name} on {nameOf dataset}, {images} images: top-1 error {top1}, top-5 error {top5} ({which})"

let private jsonOf
    (file: CheckpointFile)
    (precision: Precision)
    (model: ModelSpec)
    (dataset: DatasetSpec)
    (weights: WeightSet)
    (images: int)
    (errors: EpochErrors)
    =
    let json = JsonObject()
    json["checkpoint"] <- file.Path
    json["sha256"] <- ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of file.Path
    json["weights"] <- weights.Place
    json["epoch"] <- Checkpoints.epochOf file |> Option.map JsonValue.Create |> Option.toObj
    json["model"] <- model.Name
    json["stem"] <- model.Stem |> Option.ofNullable |> Option.map (fun stem -> (string stem).ToLowerInvariant()) |> Option.toObj
    json["precision"] <- SpecJson.NameOf precision
    json["dataset"] <- dataset.Name
    json["image_folder"] <- dataset.Folder
    json["images"] <- images
    json["top1_error"] <- errors.Top1Error
    json["top5_error"] <- errors.Top5Error
    json.ToJsonString RecordJson.Pretty

let private evaluate (parsed: ParseResults<EvaluateArguments>) =
    let device = parsed.GetResult(Device, "auto") |> Parsing.device
    let threads = parsed.TryGetResult Threads |> Option.map (Parsing.positive "--threads")
    use file = Checkpoints.opened (parsed.GetResult Checkpoint)
    let origin = CheckpointOrigin.Of file
    let dataset = Checkpoints.datasetOf file origin (parsed.TryGetResult Dataset)

    let model =
        Checkpoints.modelOf
            file
            origin
            { Model = parsed.TryGetResult Model
              Stem = parsed.TryGetResult Stem
              TorchScript = parsed.TryGetResult TorchScript }

    threads |> Option.iter Devices.UseThreads
    Option.ofObj (Devices.Hint device) |> Option.iter (eprintfn "%s")

    let computing =
        { ComputeSettings.standard with
            Gpu = GpuSettings(parsed.Contains Deterministic, parsed.GetResult(Tf32, "on") |> Parsing.switch "--tf32")
            Layout = parsed.TryGetResult Layout |> Parsing.layout }

    let options =
        TrainingOptions(workspace, ComputeSettings.choose device computing, Layout = computing.Layout, Remark = fun remark -> eprintfn "%s" remark)

    let mutable images = 0

    let struct (weights, errors) =
        Checkpoints.usable (fun () ->
            Progress.counting (fun progress ->
                CheckpointEvaluation.Run(
                    file,
                    model,
                    dataset,
                    origin.Precision,
                    options,
                    fun seen all ->
                        images <- all
                        progress seen all
                )))

    let render = if parsed.Contains Json then jsonOf else line
    printfn "%s" (render file origin.Precision model dataset weights images errors)

let run (arguments: string list) =
    match Parsing.parse<EvaluateArguments> "evaluate" arguments with
    | None -> ()
    | Some parsed -> evaluate parsed

    0
