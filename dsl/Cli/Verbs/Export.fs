/// `export RUN|CHECKPOINT`: writes a network in the format of other programs, and checks the file.
module ChannelDistillation.Cli.ExportVerb

open System
open System.IO
open System.Threading
open Argu
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Export
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Cli
open ChannelDistillation.Cli.Common

type ExportArguments =
    | [<MainCommand; ExactlyOnce>] Source of ``run or checkpoint``: string
    | [<Unique>] Format of format: string
    | [<Unique>] Out of file: string
    | [<Unique>] Weights of epoch: string
    | [<Unique>] Features
    | [<Unique>] With_Normalization
    | [<Unique>] Keep_BatchNorm
    | [<Unique>] Class_Names of file: string
    | [<Unique>] Model of model: string
    | [<Unique>] Dataset of ``name or folder``: string
    | [<Unique>] Stem of stem: string
    | [<Unique>] TorchScript of file: string
    | [<Unique>] Threads of n: int

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Source _ -> "the folder of a finished run, or a checkpoint: safetensors or PyTorch"
            | Format _ -> "onnx, safetensors or pth; default: by the ending of --out"
            | Out _ -> "the file to write; an existing file is replaced when the new one has passed its check"
            | Weights _ -> "of a run: latest (the last epoch) or best (the epoch with the lowest top-1 error); default latest"
            | Features -> "onnx: also output `embedding` and `stage1`, `stage2`, ..."
            | With_Normalization -> "onnx: normalise inside, so that images in 0..1 go in"
            | Keep_BatchNorm -> "onnx: keep BatchNorm as nodes; default: folded into the convolutions"
            | Class_Names _ -> "a text file with the name of a class on each line, in the order of the logits; default: those of the dataset"
            | Model _ -> "of a checkpoint: the model of its weights; default: that of its run, or the one that its tensors match"
            | Dataset _ -> "of a checkpoint: a dataset, a folder with val/CLASS/*.jpg or a packed copy; default: that of its run"
            | Stem _ -> "of a checkpoint: cifar or imagenet; default: the one that the tensors match"
            | TorchScript _ -> "the TorchScript file of the network, whose code is executed; default: that of the run, if it was trained here"
            | Threads _ -> "CPU threads of the check; default: all cores"

let private formats = [ "onnx", ExportFormat.Onnx; "safetensors", ExportFormat.Safetensors; "pth", ExportFormat.PyTorch ]

let private formatNamed (name: string) =
    match formats |> List.tryFind (fun (known, _) -> known = name) with
    | Some(_, format) -> format
    | None -> ExitCodes.stop ExitCodes.invalid $"Unknown format `{name}`. Use --format onnx, safetensors or pth."

/// The format as given, else by the ending of the file, which must not be that of another format.
let private formatOf (given: string option) (out: string) =
    let ending = (string (Path.GetExtension out)).TrimStart('.').ToLowerInvariant()
    let byEnding = formats |> List.tryFind (fun (name, _) -> name = ending) |> Option.map snd

    match Option.map formatNamed given, byEnding with
    | Some format, Some other when format <> other ->
        ExitCodes.stop ExitCodes.invalid $"--format {given.Value} does not match --out {out}. Change one of them."
    | Some format, _
    | None, Some format -> format
    | None, None -> ExitCodes.stop ExitCodes.invalid $"The format of {out} is unknown: add --format onnx, safetensors or pth."

let private weightsNamed (name: string) =
    match name with
    | "latest" -> FinishedRun.Latest
    | "best" -> FinishedRun.Best
    | other -> ExitCodes.stop ExitCodes.invalid $"Unknown weights `{other}`. Use --weights latest or best."

/// Options of ONNX files only.
let private refuseOptions (parsed: ParseResults<ExportArguments>) =
    for isGiven, name in
        [ parsed.Contains Features, "--features"
          parsed.Contains With_Normalization, "--with-normalization"
          parsed.Contains Keep_BatchNorm, "--keep-batchnorm" ] do
        if isGiven then
            ExitCodes.stop ExitCodes.invalid $"{name} is only for --format onnx: the other formats contain only weights."

/// Options of formats with metadata.
let private refuseMetadata (parsed: ParseResults<ExportArguments>) =
    if parsed.Contains Class_Names then
        ExitCodes.stop ExitCodes.invalid "--class-names is for --format onnx and safetensors: a .pth file contains only weights."

/// The file is written by this program alone: it must not replace its own source.
let private checkedOut (source: string) (out: string) =
    if Directory.Exists out then
        ExitCodes.stop ExitCodes.invalid $"--out {out} is a folder. Name a file in it."

    if Path.GetFullPath out = Path.GetFullPath source then
        ExitCodes.stop ExitCodes.invalid "--out would replace the checkpoint itself. Name another file."

    let folder = string (Path.GetDirectoryName(Path.GetFullPath out))

    if Path.GetFileName folder = "checkpoints" && File.Exists(Path.Combine(folder, "..", "run.json")) then
        ExitCodes.stop ExitCodes.invalid $"--out {out} is among the checkpoints of a run, which only training writes. Name another folder."

    out

let private classNames (file: string) =
    match InputFile.ReasonNotReadable file with
    | null -> File.ReadAllLines file |> Array.map _.Trim() |> Array.filter (fun name -> name <> "")
    | reason -> raise (MissingException $"{file} cannot be read: {reason}.")

/// The checkpoint to export, and the run that it is the result of, if a run is named.
let private opened (parsed: ParseResults<ExportArguments>) =
    let source = parsed.GetResult Source
    let weights = parsed.TryGetResult Weights |> Option.map weightsNamed

    if Directory.Exists source then
        for isGiven, name in [ parsed.Contains Model, "--model"; parsed.Contains Dataset, "--dataset"; parsed.Contains Stem, "--stem" ] do
            if isGiven then
                ExitCodes.stop ExitCodes.invalid $"{name} is for checkpoints; a run records its own."

        let run = FinishedRun.find (defaultArg weights FinishedRun.Latest) source
        Checkpoints.opened run.Weights, Some run
    elif weights.IsSome then
        ExitCodes.stop ExitCodes.invalid "--weights is for runs; a checkpoint has only its own weights."
    else
        Checkpoints.opened source, None

let private origin (run: FinishedRun.FinishedRun option) (file: CheckpointFile) =
    match run with
    | Some run -> run.Origin
    | None ->
        // Empty for a checkpoint that is not in the folder of a run.
        [ yield! FinishedRun.origin (RunFolder(Path.GetFullPath(Path.Combine(file.Path, "..", ".."))))
          match Checkpoints.epochOf file with
          | Some epoch -> "epoch", string epoch
          | None -> () ]

let private requireLayers (model: ModelSpec) =
    if not (isNull model.Script) then
        ExitCodes.stop
            ExitCodes.invalid
            ($"{model.Name} is a TorchScript network: its layers are PyTorch code, which only PyTorch can convert (torch.onnx.export).\n"
             + "Its weights can be exported: --format safetensors or pth.")

/// What was written, in at most four lines.
let private summary (out: string) (request: ExportRequest) (result: ExportResult) =
    let classes =
        if result.ClassNames.Count = 0 then
            ", no class names"
        else
            $""", {result.ClassNames.Count} class names ({String.Join(", ", Seq.truncate 3 result.ClassNames)}, ...)"""

    let classes = if request.Format = ExportFormat.PyTorch then "" else classes
    let megabytes = (float result.Bytes / 1e6).ToString("F2", Globalization.CultureInfo.InvariantCulture)

    [ $"{out}: {request.Model.Name}, {megabytes} MB{classes}"
      match result.Comparison with
      | null -> "Read back: every tensor is equal."
      | comparison ->
          let difference = comparison.LargestDifference.ToString("G2", Globalization.CultureInfo.InvariantCulture)
          let images = comparison.Images

          $"Logits of {comparison.Compared} images differ by at most {difference} from ONNX Runtime's (limit {OutputComparison.Tolerance})."
          $"Top-1 error on {images} images: {Figures.percent comparison.Network.Top1Error} here, {Figures.percent comparison.Onnx.Top1Error} in ONNX Runtime."

          if request.HasNormalization then
              "Input `images`: float32, pixel values in 0..1."
          else
              "Input `images`: float32, (pixel value in 0..1 - mean) / std, as in the metadata `mean` and `std`." ]
    |> String.concat "\n"

let private export (parsed: ParseResults<ExportArguments>) =
    let out =
        match parsed.TryGetResult Out with
        | Some out -> checkedOut (parsed.GetResult Source) out
        | None -> ExitCodes.stop ExitCodes.invalid "`export` needs --out FILE, for example --out student.onnx."

    let format = formatOf (parsed.TryGetResult Format) out

    if format <> ExportFormat.Onnx then
        refuseOptions parsed

    if format = ExportFormat.PyTorch then
        refuseMetadata parsed

    let file, run = opened parsed
    use file = file

    let from = CheckpointOrigin.Of file

    let model =
        Checkpoints.modelOf
            file
            from
            { Model = parsed.TryGetResult Model
              Stem = parsed.TryGetResult Stem
              TorchScript = parsed.TryGetResult TorchScript }

    if format = ExportFormat.Onnx then
        requireLayers model

    let threads = parsed.TryGetResult Threads |> Option.map Parsing.threads
    threads |> Option.iter Devices.UseThreads

    let request =
        ExportRequest(
            Model = model,
            Dataset = Checkpoints.datasetOf file from (parsed.TryGetResult Dataset),
            Format = format,
            HasFeatures = parsed.Contains Features,
            HasNormalization = parsed.Contains With_Normalization,
            KeepsBatchNorm = parsed.Contains Keep_BatchNorm,
            ClassNames = (parsed.TryGetResult Class_Names |> Option.map classNames |> Option.toObj),
            Metadata = readOnlyDict (origin run file),
            Recorded = (run |> Option.map _.Errors |> Option.toObj),
            Threads = defaultArg threads Environment.ProcessorCount
        )

    // On the CPU, like ONNX Runtime: a GPU rounds differently.
    let options = TrainingOptions(workspace, Devices.Choose "cpu", Remark = fun remark -> eprintfn "%s" remark)
    use source = new CancellationTokenSource()
    use _ = Signals.watch "Stopping; no file is written." source

    let result =
        Checkpoints.usable (fun () -> Progress.counting (fun progress -> NetworkExport.Write(file, out, request, options, progress, source.Token)))

    printfn "%s" (summary out request result)
    0

let run (arguments: string list) =
    match Parsing.parse<ExportArguments> "export" arguments with
    | None -> 0
    | Some parsed ->
        try
            export parsed
        with
        | :? ExportMismatchException as mismatch -> ExitCodes.stop ExitCodes.failed mismatch.Message
        | :? OperationCanceledException -> ExitCodes.interrupted
