namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// What is trained on.
[<AutoOpen>]
module DatasetWords =
    /// A known dataset with its own augmentation.
    let named (name: string) : Dataset = DatasetCodec.ofSource (Named name)

    /// A folder of images with `train` and `val`, each with a folder for each class.
    let image_folder (folder: string) (classes: int) : Dataset = DatasetCodec.ofSource (ImageFolder(folder, classes))

    /// Training images cropped out of a padded image, and mirrored by chance.
    let augmented (pad: int) (mode: PaddingMode) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with Augment = { AugmentCodec.own with Pad = Some pad; Mode = Some mode; Flip = Some flip } }

    /// Photographs: a random part of this share of the area and this ratio of width to height, scaled, and mirrored by chance.
    let resized_crops (area: float * float) (aspect: float * float) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with
            Augment = { AugmentCodec.own with Flip = Some flip; ResizedCrop = Some(Some { Area = area; Aspect = aspect }) } }

    /// A normalisation that the dataset is known with.
    let normalized_as (name: string) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(KnownNormalization name) }

    /// Mean and std of each channel, of pixel values scaled to 0..1.
    let normalized (mean: float list) (std: float list) (dataset: Dataset) : Dataset = { dataset with Normalize = Some(MeanAndStd(mean, std)) }

    /// Holds a share of the training set out, to choose the best epoch on.
    let held_out (share: float) (dataset: Dataset) : Dataset = { dataset with Validation = Some { Share = share; Seed = 0L } }
