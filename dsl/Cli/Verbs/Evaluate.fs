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
open ChannelDistillation.Dsl
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
    | [<Unique>] Logits of file: string
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
            | Logits _ -> "also write the logits of all images, in the dataset's order, to a new .npy or .safetensors file (with the labels)"
            | Json -> "print JSON"

/// A file for logits, refused before the evaluation if it cannot be written.
let private logitsFile (path: string) =
    if LogitsFile.Endings |> Seq.forall (fun ending -> not (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))) then
        ExitCodes.stop ExitCodes.invalid $"--logits writes .npy or .safetensors files, and `{path}` is neither."

    if File.Exists path || Directory.Exists path then
        ExitCodes.stop ExitCodes.invalid $"{path} exists already and is not overwritten. Remove it, or give --logits another name."

    match Path.GetDirectoryName(Path.GetFullPath path) with
    | folder when isNull folder || Directory.Exists folder -> new LogitsFile(path)
    | folder -> ExitCodes.stop ExitCodes.invalid $"The folder {folder} for --logits does not exist."

/// The values by which images are normalised, and where they come from.
let private normalizationOf (origin: CheckpointOrigin) (dataset: DatasetSpec) =
    let source =
        match dataset.Normalization with
        | null when dataset.Name = DatasetSpec.ImageFolder -> "default of image folders"
        | null -> $"default of {dataset.Name}"
        | _ when obj.ReferenceEquals(dataset, origin.Dataset) -> "recorded with the weights"
        | _ -> "set for the dataset"

    DatasetCatalog.Describe(dataset).Normalization, source

/// Which of several networks in the file was evaluated, the epoch of a training checkpoint, and the precision if it is not float32.
let private remarks (file: CheckpointFile) (precision: Precision) (weights: WeightSet) =
    [ if file.Sets.Count > 1 || weights.IsAverage then
          weights.Place
      yield! Checkpoints.epochOf file |> Option.map (fun epoch -> $"epoch {epoch}") |> Option.toList
      if precision <> Precision.Float32 then
          $"computed in {SpecJson.NameOf precision}" ]

let private nameOf (dataset: DatasetSpec) = dataset.Folder |> Option.ofObj |> Option.map shown |> Option.defaultValue dataset.Name

/// What was evaluated, and the result.
type private Evaluated =
    { File: CheckpointFile
      Origin: CheckpointOrigin
      Model: ModelSpec
      Dataset: DatasetSpec
      Weights: WeightSet
      Images: int
      Errors: EpochErrors
      Logits: string option }

let private lines (evaluated: Evaluated) =
    let file, dataset = evaluated.File, evaluated.Dataset
    let top1, top5 = Figures.percent evaluated.Errors.Top1Error, Figures.percent evaluated.Errors.Top5Error
    let which = String.Join(", ", shown file.Path :: remarks file evaluated.Origin.Precision evaluated.Weights)
    let normalization, source = normalizationOf evaluated.Origin dataset
    let values (numbers: float seq) = String.Join(" ", Seq.map Numbers.show numbers)

    [ $"{evaluated.Model.Name} on {nameOf dataset}, {evaluated.Images} images: top-1 error {top1}, top-5 error {top5} ({which})"
      $"Normalisation: mean {values normalization.Mean}, std {values normalization.Std} ({source})"
      for path in Option.toList evaluated.Logits do
          $"Logits: {path}" ]
    |> String.concat "\n"

let private jsonOf (evaluated: Evaluated) =
    let file, dataset = evaluated.File, evaluated.Dataset
    let normalization, source = normalizationOf evaluated.Origin dataset
    let values (numbers: float seq) = JsonArray [| for number in numbers -> JsonValue.Create number :> JsonNode |]
    let json = JsonObject()
    json["checkpoint"] <- file.Path
    json["sha256"] <- ContentHash(Path.Combine(workspace.Pretrain, "hashes")).Of file.Path
    json["weights"] <- evaluated.Weights.Place
    json["epoch"] <- Checkpoints.epochOf file |> Option.map JsonValue.Create |> Option.toObj
    json["model"] <- evaluated.Model.Name
    json["stem"] <- evaluated.Model.Stem |> Option.ofNullable |> Option.map (fun stem -> (string stem).ToLowerInvariant()) |> Option.toObj
    json["precision"] <- SpecJson.NameOf evaluated.Origin.Precision
    json["dataset"] <- dataset.Name
    json["image_folder"] <- dataset.Folder
    json["images"] <- evaluated.Images
    let normalize = JsonObject()
    normalize["mean"] <- values normalization.Mean
    normalize["std"] <- values normalization.Std
    normalize["source"] <- source
    json["normalization"] <- normalize
    json["top1_error"] <- evaluated.Errors.Top1Error
    json["top5_error"] <- evaluated.Errors.Top5Error
    evaluated.Logits |> Option.iter (fun path -> json["logits"] <- path)
    json.ToJsonString RecordJson.Pretty

let private evaluate (parsed: ParseResults<EvaluateArguments>) =
    let device = parsed.GetResult(Device, "auto") |> Parsing.device
    let threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
    use logits = parsed.TryGetResult Logits |> Option.map logitsFile |> Option.toObj
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
                    (fun seen all ->
                        images <- all
                        progress seen all),
                    logits
                )))

    match logits with
    | null -> ()
    | logits -> logits.Write(readOnlyDict [ "checkpoint", file.Path; "dataset", nameOf dataset ])

    let evaluated =
        { File = file
          Origin = origin
          Model = model
          Dataset = dataset
          Weights = weights
          Images = images
          Errors = errors
          Logits = parsed.TryGetResult Logits }

    printfn "%s" (if parsed.Contains Json then jsonOf evaluated else lines evaluated)

let run (arguments: string list) =
    match Parsing.parse<EvaluateArguments> "evaluate" arguments with
    | None -> ()
    | Some parsed -> evaluate parsed

    0
