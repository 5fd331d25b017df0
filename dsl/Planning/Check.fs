/// Whether the parts of an experiment fit together. Parts that are reported as wrong in themselves are left alone.
module ChannelDistillation.Dsl.Check


open ChannelDistillation.Losses
open ChannelDistillation.Models

let private name (stem: Stem) =
    match stem with
    | Stem.Cifar -> "cifar"
    | _ -> "imagenet"

/// A stem that the model cannot be built with.
let stem (reader: Reader) (place: Place) (path: string list) (model: Model) =
    match ModelCatalog.Find model.Name, model.Stem with
    | null, _
    | _, None -> ()
    | descriptor, Some stem ->
        if not (Seq.contains stem descriptor.Stems) then
            let legal = [ for stem in descriptor.Stems -> name stem ]
            reader.Report(List.rev path, place, StemNotThere(model.Name, name stem, legal))

/// Why a loss cannot pair the features of these networks on this dataset.
let whyNotPaired (dataset: Dataset) (student: Model) (teacher: Model) (loss: string) : string option =
    let descriptor = LossCatalog.Get loss
    let image = (ChannelDistillation.Data.DatasetCatalog.Describe(Resolve.datasetSpec dataset)).Image

    let features (model: Model) = (ModelCatalog.Get model.Name).Features(Resolve.modelSpec model, image)

    match descriptor.WhyNotPaired.Invoke(FeaturePair(features student, features teacher)) with
    | null -> None
    | reason -> Some reason

/// Whether a grid puts something else in the place of parts of the file: then only its points can be checked, as they are planned.
let private replaced (experiment: Experiment) (heads: string list) =
    let grid = experiment.Grid
    let paths = grid.Product @ List.concat grid.Zip |> List.map _.Path
    not grid.Exclude.IsEmpty || paths |> List.exists (fun path -> List.contains (path.Split('.')[0]) heads)

/// Losses that need a teacher where there is none: one cause, one problem.
let teacherless (reader: Reader) (where: Where) (experiment: Experiment) =
    if experiment.Teacher.IsNone && not (reader.IsSpoilt [ "teacher" ]) && not (replaced experiment [ "teacher"; "variants" ]) then
        let needy =
            [ for variant in experiment.Variants do
                  for loss, _ in variant.Losses do
                      match LossCatalog.Find loss with
                      | null -> ()
                      | descriptor when descriptor.NeedsTeacher -> loss, variant.Name
                      | _ -> () ]

        match needy with
        | [] -> ()
        | (loss, variant) :: others ->
            let others = others |> List.map snd |> List.distinct |> List.filter ((<>) variant)

            match where.VariantLoss(variant, loss) with
            | Some place -> reader.Report([ "teacher" ], place, NoTeacher(loss, variant, others))
            | None -> ()

/// Features of the experiment as it is written.
let pairs (reader: Reader) (where: Where) (experiment: Experiment) =
    let spoilt = [ "dataset"; "student"; "teacher" ] |> List.exists (fun part -> reader.IsSpoilt [ part ])

    match experiment.Teacher with
    | Some teacher when not spoilt && not (replaced experiment [ "dataset"; "student"; "teacher"; "variants" ]) ->
        for loss in experiment.Variants |> List.collect _.Losses |> List.map fst |> List.distinct do
            if not (isNull (LossCatalog.Find loss)) then
                match whyNotPaired experiment.Dataset experiment.Student teacher.Model loss with
                | None -> ()
                | Some reason ->
                    let place = where.Value [ "student"; "model" ]
                    reader.Report([ "model"; "student" ], Option.get place, CannotPair(loss, experiment.Student.Name, teacher.Model.Name, reason))
    | _ -> ()

let stems (reader: Reader) (where: Where) (experiment: Experiment) =
    let check path model =
        if not (reader.IsSpoilt path || replaced experiment path) then
            where.Value(path @ [ "stem" ]) |> Option.iter (fun place -> stem reader place path model)

    check [ "student" ] experiment.Student
    experiment.Teacher |> Option.iter (fun teacher -> check [ "teacher" ] teacher.Model)

let private warn place mistake : Problem = { Mistake = mistake; Place = place }

let private unused (where: Where) (experiment: Experiment) =
    let used = experiment.Variants |> List.collect _.Losses |> List.map fst |> Set.ofList

    let varied =
        experiment.Grid.Product @ List.concat experiment.Grid.Zip |> List.exists (fun axis -> axis.Path.StartsWith "variants.")

    [ if not varied then
          for loss, _ in experiment.Losses do
              if not (used.Contains loss) then
                  warn (where.Key [ "losses"; loss ]) (UnusedLoss loss) ]

let private published (where: Where) (experiment: Experiment) =
    let rows = "teacher" :: (experiment.Variants |> List.map _.Name)

    [ match experiment.Published with
      | None -> ()
      | Some published ->
          for name, _ in published.Rows do
              // Rows of the literature that are not trained here are welcome; one that nearly is a variant's is misspelt.
              match List.contains name rows, Suggest.near name rows with
              | false, (_ :: _ as near) when near |> List.forall (fun near -> published.Rows |> List.forall (fun (other, _) -> other <> near)) ->
                  warn (where.Key [ "published"; "rows"; name ]) (PublishedWithoutRow(name, rows, near))
              | _ -> () ]

/// What is harmless but probably not meant, in an experiment without problems.
let warnings (where: Where) (experiment: Experiment) : Problem list = unused where experiment @ published where experiment
