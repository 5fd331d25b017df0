/// The augmentation of training images.
module ChannelDistillation.Dsl.Codecs.AugmentCodec

open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

/// The dataset's own augmentation.
let own: Augment = { Pad = None; Mode = None; Flip = None; ResizedCrop = None }

/// `[smallest, largest]`.
let private range key example (bounds: Bounds) : Codec<float * float> =
    let numbers = list false (number bounds)

    let read (reader: Reader) path (node: Node) =
        match numbers.Read reader path node with
        | Some [ smallest; largest ] when smallest <= largest -> Some(smallest, largest)
        | Some _ ->
            reader.Report(path, Node.place node, NotSmallestAndLargest(key, example))
            None
        | None -> None

    leaf numbers.Shape read (fun (smallest, largest) -> numbers.Write [ smallest; largest ])

let private resizedCrop =
    let standard: ResizedCrop = { Area = 0.08, 1.0; Aspect = 3.0 / 4.0, 4.0 / 3.0 }

    Record.codec
        standard
        false
        [ Field.withDefault
              "area"
              "Smallest and largest fraction of the image's area."
              [ "scale" ]
              standard.Area
              _.Area
              (fun value crop -> { crop with Area = value })
              (range "area" "[0.08, 1]" { above 0.0 with Maximum = 1.0 })
          Field.withDefault
              "aspect"
              "Smallest and largest ratio of width to height; default 3/4 and 4/3."
              [ "ratio" ]
              standard.Aspect
              _.Aspect
              (fun value crop -> { crop with Aspect = value })
              (range "aspect" "[0.75, 1.333]" (above 0.0)) ]

let codec =
    let field key doc also get set codec = Field.optional key doc "the dataset's own" also get set codec

    Record.codec
        own
        false
        [ field
              "pad"
              "Small images only: padding in pixels on each side before a random crop of the original size; 0 for no crop."
              [ "padding" ]
              _.Pad
              (fun value record -> { record with Pad = value })
              (int32 0 64)
          field
              "mode"
              "Values of the padding."
              [ "padding_mode" ]
              _.Mode
              (fun value record -> { record with Mode = value })
              (word "mode" [ "zero", "Black.", PaddingMode.Zero; "reflect", "The image, reflected at its border.", PaddingMode.Reflect ])
          field
              "resized_crop"
              "Image folders only: a random crop, resized to the input size (RandomResizedCrop); `none` for the centre crop of validation."
              [ "random_resized_crop" ]
              _.ResizedCrop
              (fun value record -> { record with ResizedCrop = value })
              (orWord "none" resizedCrop)
          field
              "flip"
              "Mirror images horizontally with probability 1/2."
              [ "horizontal_flip" ]
              _.Flip
              (fun value record -> { record with Flip = value })
              flag ]
