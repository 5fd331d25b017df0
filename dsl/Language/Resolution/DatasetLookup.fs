/// Looks up an experiment's dataset in the catalog.
module ChannelDistillation.Dsl.Resolution.DatasetLookup

open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Dsl

/// The descriptor of a dataset; None: the name is unknown. Image folders have ImageNet's descriptor.
let find (source: DatasetSource) : DatasetDescriptor option =
    match source with
    | Named name -> DatasetCatalog.Find name
    | ImageFolder _ -> DatasetCatalog.Find "imagenet"
    |> Option.ofObj

/// The normalisation of an experiment; None: the dataset's own, even if it is given by name or numbers.
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

/// Removes a normalisation that equals the dataset's own, so that equal datasets compare equal.
let essential (dataset: ChannelDistillation.Dsl.Dataset) =
    if dataset.Normalize.IsSome && (normalization dataset).IsNone then
        { dataset with Normalize = None }
    else
        dataset
