/// What an experiment says of a dataset's augmentation, together with what the dataset does of its own.
module ChannelDistillation.Dsl.Augmentation

open ChannelDistillation.Specs

/// What a dataset does where the experiment says nothing.
let private own (source: DatasetSource) : AugmentationSpec =
    let catalogued =
        match source with
        | Named name -> ChannelDistillation.Data.DatasetCatalog.Find name
        // Folders of photographs are treated as ImageNet is.
        | ImageFolder _ -> ChannelDistillation.Data.DatasetCatalog.Find "imagenet"

    match catalogued with
    | null -> AugmentationSpec.None
    | dataset -> dataset.Augmentation

/// The same without what the dataset does anyway: what computes the same is equal.
let essential (dataset: Dataset) : Dataset =
    if dataset.Augment = DatasetCodec.ownAugment then
        dataset
    else
        let own = own dataset.Source
        let said value own = value |> Option.filter ((<>) own)

        { dataset with
            Augment =
                { Pad = said dataset.Augment.Pad own.Padding
                  Mode = said dataset.Augment.Mode own.PaddingMode
                  Flip = said dataset.Augment.Flip own.Flip } }

/// Null: all of it the dataset's own.
let spec (dataset: Dataset) : AugmentationSpec | null =
    let essential = essential dataset

    if essential.Augment = DatasetCodec.ownAugment then
        null
    else
        let own = own dataset.Source

        AugmentationSpec(
            defaultArg essential.Augment.Pad own.Padding,
            defaultArg essential.Augment.Mode own.PaddingMode,
            defaultArg essential.Augment.Flip own.Flip
        )
