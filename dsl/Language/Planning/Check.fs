/// Checks whether parts of an experiment fit together, and warns about unused parts.
module ChannelDistillation.Dsl.Planning.Check

open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution

let private name (stem: Stem) =
    match stem with
    | Stem.Cifar -> "cifar"
    | _ -> "imagenet"

/// Reports a stem that the model cannot be built with.
let stem (reader: Reader) (place: Place) (path: string list) (model: Model) =
    match ModelCatalog.Find model.Name, model.Stem with
    | null, _
    | _, None -> ()
    | descriptor, Some stem ->
        if not (Seq.contains stem descriptor.Stems) then
            let legal = [ for stem in descriptor.Stems -> name stem ]
            reader.Report(List.rev path, place, UnknownStem(model.Name, name stem, legal))

/// Why a loss cannot pair the features of student and teacher on the experiment's dataset.
let whyNotPaired (experiment: Experiment) (teacher: Model) (loss: Resolve.ResolvedLoss) : Mismatch option =
    let descriptor = Resolve.descriptor experiment loss.Name
    let student = experiment.Student

    if descriptor.AddsAssistant && student.Script.IsSome then
        Some(Mismatch("it trains a second network of the student's architecture, and a TorchScript file holds only one", "choose a built-in student"))
    elif not (TorchScriptChecks.knowsShapes experiment student && TorchScriptChecks.knowsShapes experiment teacher) then
        // The shapes are known only after loading; training repeats this check.
        None
    else
        let image = (DatasetCatalog.Describe(Resolve.datasetSpec experiment.Dataset)).Image
        let features = FeaturePair.Of(Resolve.modelSpecFor experiment.Seeds.Head student, Resolve.modelSpec teacher, image)
        Option.ofObj (descriptor.WhyNotPaired.Invoke(features, (Resolve.lossSpec loss).Parameters))

/// Why a known teacher does not fit a dataset: it has another image size or class count.
let whyNotFitting (dataset: ChannelDistillation.Dsl.Dataset) (teacher: Teacher) : Diagnostic option =
    match KnownTeachers.find teacher with
    | None -> None
    | Some known ->
        let here = DatasetCatalog.Describe(Resolve.datasetSpec dataset)

        if KnownTeachers.fits known here then
            None
        else
            let about (images: DatasetDescriptor) = images.Classes, $"{images.Image.Height}x{images.Image.Width}"

            let name =
                match dataset.Source with
                | Named name -> name
                | ImageFolder(folder, _) -> folder

            let ownClasses, ownSize = about (DatasetCatalog.Get known.Dataset)
            let classes, size = about here
            Some(TeacherDatasetMismatch(known.Name, (known.Dataset, ownClasses, ownSize), (name, classes, size)))

let private warn place mistake : Problem = { Diagnostic = mistake; Place = place }

/// The losses that no variant uses.
let unusedLosses (experiment: Experiment) : string list =
    let used = experiment.Variants |> List.collect _.Losses |> List.map fst |> Set.ofList

    let varied = experiment.Grid.Axes |> List.exists (fun axis -> axis.Paths |> List.exists _.StartsWith("variants."))

    if varied then
        []
    else
        experiment.Losses |> List.map fst |> List.filter (used.Contains >> not)

let private unused (where: PlaceFinder) (experiment: Experiment) =
    // A base file declares the losses of all experiments that extend it.
    let isOwn (loss: string) = where.Key [ "losses"; loss ] |> Option.forall (fun place -> place.Source = where.File)

    match unusedLosses experiment |> List.filter isOwn with
    | first :: _ as unused -> [ warn (where.Key [ "losses"; first ]) (UnusedLosses unused) ]
    | [] -> []

let private published (where: PlaceFinder) (experiment: Experiment) =
    let known = "teacher" :: (experiment.Variants |> List.map _.Name)

    let misspelt (at: string list) (rows: (string * PublishedRow) list) =
        [ for name, _ in rows do
              // Published methods that are not trained here are allowed; a name close to a variant's is probably misspelt.
              match List.contains name known, Suggest.near name known with
              | false, (_ :: _ as near) when near |> List.forall (fun near -> rows |> List.forall (fun (other, _) -> other <> near)) ->
                  warn (where.Key(at @ [ "rows"; name ])) (PublishedWithoutRow(name, known, near))
              | _ -> () ]

    match experiment.Published with
    | None -> []
    | Some published ->
        misspelt [ "published" ] published.Rows
        @ [ for index, point in List.indexed published.Points do
                yield! misspelt [ "published"; "points"; string index ] point.Rows ]

/// Warnings about an experiment without problems.
let warnings (where: PlaceFinder) (experiment: Experiment) : Problem list =
    unused where experiment @ published where experiment @ TorchScriptChecks.warnings where experiment
