/// Checks networks from Python against the images, losses and precision of an experiment. Files are read, not executed.
module ChannelDistillation.Dsl.Planning.TorchScriptChecks

open System
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.TorchScript
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution

/// The files of a network: one per seed if the path contains `{seed}`.
let files (experiment: Experiment) (model: Model) : string list =
    match model.Script with
    | None -> []
    | Some path when path.Contains TorchScriptCodec.seedMark -> experiment.Seeds |> List.map (fun seed -> TorchScriptCodec.ofSeed seed path)
    | Some path -> [ path ]

let private size (image: ImageShape) = $"{image.Channels}x{image.Height}x{image.Width}"

let private wrongWith (dataset: Dataset) (path: string) : Diagnostic option =
    let name = nonNull (IO.Path.GetFileName path)

    match TorchScriptCodec.network path name with
    | Error reason -> Some(TorchScriptUnusable reason)
    | Ok(_, network) ->
        let here = ChannelDistillation.Data.DatasetCatalog.Describe(Resolve.datasetSpec dataset)

        let named =
            match dataset.Source with
            | Named name -> name
            | ImageFolder(folder, _) -> folder

        match Option.ofNullable network.Image, Option.ofNullable network.Classes with
        | Some image, _ when image <> here.Image -> Some(ImageSizeMismatch(name, size image, named, size here.Image))
        | _, Some classes when classes <> here.Classes -> Some(ClassCountMismatch(name, classes, named, here.Classes))
        | _ -> None

/// The first problem of a network's files with the experiment's dataset.
let mistake (experiment: Experiment) (model: Model) : Diagnostic option = files experiment model |> List.tryPick (wrongWith experiment.Dataset)

/// The description in the first of a model's files; None: the model is not from Python, or its file cannot be used.
let private description (experiment: Experiment) (model: Model) : NetworkDescription option =
    files experiment model
    |> List.tryHead
    |> Option.bind (fun path -> TorchScriptCodec.network path model.Name |> Result.toOption)
    |> Option.map snd

/// The output that a loss reads but a network from Python does not have, as text, with the existing outputs.
let missing (experiment: Experiment) (model: Model) (ofStudent: bool) (loss: LossDescriptor) : (string * string list) option =
    let needs = if ofStudent then loss.OfStudent else loss.Needs
    let reads (signal: TeacherSignal) = needs &&& signal <> TeacherSignal.None
    let whose = if ofStudent then "the student" else "the teacher"

    match description experiment model with
    | None -> None
    | Some network ->
        if reads TeacherSignal.PreActivations then
            Some $"stages of {whose} before their last ReLU"
        elif reads (TeacherSignal.Features ||| TeacherSignal.ChannelMeans) && network.Stages = 0 then
            Some $"stages of {whose}"
        elif reads TeacherSignal.Embedding && not network.HasEmbedding then
            Some $"the embedding of {whose}"
        else
            None
        |> Option.map (fun what -> what, List.ofSeq network.Outputs)

/// Whether the shapes of a network's outputs are known without running it.
let knowsShapes (experiment: Experiment) (model: Model) =
    model.Script.IsNone
    || (match description experiment model with
        | Some network -> network.KnowsShapes
        | None -> false)

/// The networks from Python that would have to compute in bfloat16, which they cannot.
let inBFloat16 (experiment: Experiment) (usesTeacher: bool) : string list =
    if experiment.Train.Precision <> Precision.BFloat16 then
        []
    else
        [ experiment.Student
          if usesTeacher then
              yield! experiment.Teacher |> Option.map _.Model |> Option.toList ]
        |> List.filter _.Script.IsSome
        |> List.map _.Name

/// Warns if one file is the student of several seeds, which then start from the same weights.
let warnings (where: PlaceFinder) (experiment: Experiment) : Problem list =
    match experiment.Student.Script with
    | Some path when experiment.Seeds.Length > 1 && not (path.Contains TorchScriptCodec.seedMark) ->
        [ { Diagnostic = SameInitialWeights(experiment.Student.Name, experiment.Seeds.Length)
            Place = where.Value [ "student"; "torchscript" ] } ]
    | _ -> []
