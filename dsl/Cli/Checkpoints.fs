/// Opens the checkpoints that are named on the command line, and finds their models and datasets.
module ChannelDistillation.Cli.Checkpoints

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.TorchScript
open ChannelDistillation.Models
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Cli.Common

/// Reports a file that is unreadable or has unsuitable weights as a MissingException (exit code 3).
let usable (work: unit -> 'result) : 'result =
    try
        work ()
    with :? InvalidDataException as error ->
        raise (MissingException(error.Message, error))

let opened (path: string) = usable (fun () -> CheckpointFile.Open path)

/// Verifies the checksums that the file contains, if any.
let verify (file: CheckpointFile) = usable file.Verify

let private stemOf (text: string) =
    match text with
    | "cifar" -> Stem.Cifar
    | "imagenet" -> Stem.ImageNet
    | other -> ExitCodes.stop ExitCodes.invalid $"Unknown stem `{other}`. Use --stem cifar or imagenet."

let private modelNamed (name: string) =
    match ModelCatalog.Find name with
    | null -> Fetching.unknown "model" name [ for model in ModelCatalog.All -> model.Name ]
    | model -> ModelSpec model.Name

/// The model of a TorchScript network. Its file contains code, so it must be named on the command line or belong to an experiment trained here.
let private scripted (file: CheckpointFile) (origin: CheckpointOrigin) (given: string option) : ModelSpec option =
    let known = Option.ofObj origin.Model |> Option.bind (_.Script >> Option.ofObj)

    match given, known with
    | Some path, _ ->
        let archive = usable (fun () -> Archive.Read path)

        match known with
        | Some other when other.Sha256 <> archive.File.Sha256 ->
            raise (MissingException $"{path} is not the TorchScript file that {file.Path} was trained with, which has SHA-256 {other.Sha256}.")
        | _ -> Some(ModelSpec.Of archive.File)
    | None, Some other ->
        match KnownModules.Find(other.Sha256, workspace) with
        | null ->
            raise (
                MissingException(
                    $"{file.Path} holds weights of the TorchScript network {other.Name}, whose file is unknown: no experiment here has trained it, or it has moved. "
                    + "If you trust its code, pass --torchscript FILE."
                )
            )
        | script -> Some(ModelSpec.Of script)
    | None, None -> None

let private builtIn (file: CheckpointFile) (origin: CheckpointOrigin) (given: string option) (stem: Stem option) =
    let fits = lazy (file.Sets |> Seq.map ModelFit.Rank |> List.ofSeq)

    let known =
        match given with
        | Some name -> Some(modelNamed name)
        | None -> Option.ofObj origin.Model

    let fitting = lazy (fits.Value |> Seq.concat |> Seq.filter _.IsExact |> List.ofSeq)

    match known, stem with
    | Some model, Some stem -> ModelSpec(model.Name, stem)
    | Some model, None when model.Stem.HasValue -> model
    | Some model, None ->
        fitting.Value
        |> List.tryFind (fun fit -> fit.Model.Name = model.Name)
        |> Option.map (fun fit -> ModelSpec(model.Name, fit.Options.Stem))
        |> Option.defaultValue model
    | None, _ ->
        match fitting.Value with
        | fit :: _ -> ModelSpec(fit.Model.Name, stem |> Option.defaultValue fit.Options.Stem)
        | [] ->
            let nearest = fits.Value.Head[0]

            let but =
                if nearest.IsAlike then
                    $" The closest is {nearest.InWords}: {nearest.Difference.InWords()}."
                else
                    ""

            raise (MissingException $"The tensors in {file.Path} match none of the built-in models.{but}")

/// The dataset: as given, else that of the checkpoint's run.
let datasetOf (file: CheckpointFile) (origin: CheckpointOrigin) (given: string option) =
    match given, Option.ofObj origin.Dataset with
    // The run's own dataset, with its own normalisation.
    | Some name, Some dataset when dataset.Name = name -> dataset
    | Some name, _ when not (isNull (DatasetCatalog.Find name)) -> DatasetSpec(Name = name)
    | Some folder, _ when Directory.Exists folder -> DatasetStore.OfFolder(Path.GetFullPath folder)
    | Some name, _ -> Fetching.unknown "dataset or folder" name [ for dataset in DatasetCatalog.All -> dataset.Name ]
    | None, None ->
        ExitCodes.stop
            ExitCodes.invalid
            $"{file.Path} is not in the folder of a run, so its dataset is unknown. Name one, for example --dataset imagenet."
    | None, Some dataset -> dataset

/// What the command line says of a checkpoint's model.
type GivenModel = { Model: string option; Stem: string option; TorchScript: string option }

/// The model: as given, else that of the checkpoint's run, else the one that the tensors match.
let modelOf (file: CheckpointFile) (origin: CheckpointOrigin) (given: GivenModel) : ModelSpec =
    let stem = given.Stem |> Option.map stemOf

    (if given.Model.IsSome then None else scripted file origin given.TorchScript)
    |> Option.defaultWith (fun () -> builtIn file origin given.Model stem)

/// The epoch of a training checkpoint.
let epochOf (file: CheckpointFile) =
    match file.Metadata.TryGetValue "epoch" with
    | true, text ->
        match Int32.TryParse text with
        | true, epoch -> Some epoch
        | _ -> None
    | _ -> None
