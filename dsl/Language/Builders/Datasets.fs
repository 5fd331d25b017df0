namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Datasets.
[<AutoOpen>]
module DatasetWords =
    /// A known dataset with its own augmentation.
    let named (name: string) : Dataset = DatasetCodec.ofSource (Named name)

    /// An image folder with `train` and `val`, each with one folder per class.
    let image_folder (folder: string) (classes: int) : Dataset = DatasetCodec.ofSource (ImageFolder(folder, classes))

    /// Small images: pads by `pad` pixels and takes a random crop; with `flip`, mirrors with probability 1/2.
    let augmented (pad: int) (mode: PaddingMode) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with Augment = { AugmentCodec.own with Pad = Some pad; Mode = Some mode; Flip = Some flip } }

    /// Image folders: takes a random crop with this range of area (fraction of the image) and aspect ratio and resizes it; with `flip`,
    /// mirrors with probability 1/2.
    let resized_crops (area: float * float) (aspect: float * float) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with
            Augment = { AugmentCodec.own with Flip = Some flip; ResizedCrop = Some(Some { Area = area; Aspect = aspect }) } }

    /// A named normalisation of the dataset.
    let normalized_as (name: string) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(KnownNormalization name) }

    /// Normalisation with the mean and standard deviation of each channel, for pixel values in 0..1.
    let normalized (mean: float list) (std: float list) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(MeanAndStd(mean, std)) }

    /// A hold-out split for choosing the best epoch: this fraction of each class of the training set.
    let held_out (share: float) (dataset: Dataset) : Dataset = { dataset with Validation = Some { Share = share; Seed = 0L } }
