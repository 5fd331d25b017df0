/// What an experiment says of a dataset's augmentation, together with what the dataset does of its own.
module ChannelDistillation.Dsl.Resolution.Augmentation

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

let private own (source: DatasetSource) : AugmentationSpec =
    Catalogued.find source |> Option.map _.Augmentation |> Option.defaultValue AugmentationSpec.None

let private cropOf (own: AugmentationSpec) =
    own.ResizedCrop
    |> Option.ofObj
    |> Option.map (fun crop -> { Area = crop.MinArea, crop.MaxArea; Aspect = crop.MinAspect, crop.MaxAspect })

/// The same without what the dataset does anyway: what computes the same is equal.
let essential (dataset: Dataset) : Dataset =
    if dataset.Augment = AugmentCodec.own then
        dataset
    else
        let own = own dataset.Source
        let said value own = value |> Option.filter ((<>) own)

        { dataset with
            Augment =
                { Pad = said dataset.Augment.Pad own.Padding
                  Mode = said dataset.Augment.Mode own.PaddingMode
                  Flip = said dataset.Augment.Flip own.Flip
                  ResizedCrop = said dataset.Augment.ResizedCrop (cropOf own) } }

/// Null: all of it the dataset's own.
let spec (dataset: Dataset) : AugmentationSpec | null =
    let essential = essential dataset

    if essential.Augment = AugmentCodec.own then
        null
    else
        let own = own dataset.Source

        let crop: ResizedCropSpec | null =
            match defaultArg essential.Augment.ResizedCrop (cropOf own) with
            | Some crop -> ResizedCropSpec(fst crop.Area, snd crop.Area, fst crop.Aspect, snd crop.Aspect)
            | None -> null

        AugmentationSpec(
            defaultArg essential.Augment.Pad own.Padding,
            defaultArg essential.Augment.Mode own.PaddingMode,
            defaultArg essential.Augment.Flip own.Flip,
            ResizedCrop = crop
        )

/// Whether training images look different in every epoch.
let isRandom (dataset: Dataset) = (spec dataset |> Option.ofObj |> Option.defaultWith (fun () -> own dataset.Source)).IsRandom
