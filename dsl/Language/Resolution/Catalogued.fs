/// What is known of the dataset that an experiment names.
module ChannelDistillation.Dsl.Resolution.Catalogued

open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Dsl

/// None: the name is unknown. Folders of photographs are treated as ImageNet is.
let find (source: DatasetSource) : DatasetDescriptor option =
    match source with
    | Named name -> DatasetCatalog.Find name
    | ImageFolder _ -> DatasetCatalog.Find "imagenet"
    |> Option.ofObj

/// The normalisation that an experiment asks for; None: the dataset's own, also where it is asked for by name or number.
let normalization (dataset: ChannelDistillation.Dsl.Dataset) : NormalizationSpec option =
    match dataset.Normalize, find dataset.Source with
    | None, _
    | _, None -> None
    | Some(MeanAndStd(mean, std)), Some known ->
        Some(NormalizationSpec(List.toArray mean, List.toArray std)) |> Option.filter ((<>) known.Normalization)
    | Some(KnownNormalization name), Some known ->
        match known.Normalizations.TryGetValue name with
        | true, normalization when normalization <> known.Normalization -> Some normalization
        | _ -> None

/// The same without a normalisation that is the dataset's own: what computes the same is equal.
let essential (dataset: ChannelDistillation.Dsl.Dataset) =
    if dataset.Normalize.IsSome && (normalization dataset).IsNone then
        { dataset with Normalize = None }
    else
        dataset
