namespace ChannelDistillation.Dsl.Builders

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

/// Datasets.
[<AutoOpen>]
module DatasetWords =
    /// An image folder with `train` and `val`, each with one folder per class.
    let image_folder (folder: string) (classes: int) : Dataset = DatasetCodec.ofSource (ImageFolder(folder, classes))

    /// Small images: pads by `pad` pixels and takes a random crop; with `flip`, mirrors with probability 1/2.
    let augment (pad: int) (mode: PaddingMode) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with Augment = { AugmentCodec.own with Pad = Some pad; Mode = Some mode; Flip = Some flip } }

    /// Image folders: takes a random crop with this range of area (fraction of the image) and aspect ratio and resizes it; with `flip`,
    /// mirrors with probability 1/2.
    let resized_crop (area: float * float) (aspect: float * float) (flip: bool) (dataset: Dataset) : Dataset =
        { dataset with
            Augment = { AugmentCodec.own with Flip = Some flip; ResizedCrop = Some(Some { Area = area; Aspect = aspect }) } }
