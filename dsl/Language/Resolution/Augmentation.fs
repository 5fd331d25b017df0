/// Combines an experiment's augmentation settings with the dataset's own augmentation.
module ChannelDistillation.Dsl.Resolution.Augmentation

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

let private own (source: DatasetSource) : AugmentationSpec =
    DatasetLookup.find source |> Option.map _.Augmentation |> Option.defaultValue AugmentationSpec.None

let private cropOf (own: AugmentationSpec) =
    own.ResizedCrop
    |> Option.ofObj
    |> Option.map (fun crop -> { Area = crop.MinArea, crop.MaxArea; Aspect = crop.MinAspect, crop.MaxAspect })

/// Removes settings that equal the dataset's own, so that equal augmentation compares equal.
let essential (dataset: Dataset) : Dataset =
    if dataset.Augment = AugmentCodec.own then
        dataset
    else
        let own = own dataset.Source
        let changed value own = value |> Option.filter ((<>) own)

        { dataset with
            Augment =
                { Pad = changed dataset.Augment.Pad own.Padding
                  Mode = changed dataset.Augment.Mode own.PaddingMode
                  Flip = changed dataset.Augment.Flip own.Flip
                  ResizedCrop = changed dataset.Augment.ResizedCrop (cropOf own) } }

/// The augmentation of a run's specification; null: the dataset's own.
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

/// Whether augmentation is random, so that training images differ between epochs.
let isRandom (dataset: Dataset) = (spec dataset |> Option.ofObj |> Option.defaultWith (fun () -> own dataset.Source)).IsRandom
