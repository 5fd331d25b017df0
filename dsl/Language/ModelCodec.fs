/// A network: `{ model: resnet8 }`.
module ChannelDistillation.Dsl.ModelCodec

open ChannelDistillation.Models
open ChannelDistillation.Dsl.Codec

let blank: Model = { Name = ""; Stem = None }

let name = named Thing.Model (fun () -> [ for model in ModelCatalog.All -> model.Name, model.Doc ])

let stem =
    word
        "stem"
        [ "cifar", "A 3x3 convolution that keeps the size of the image.", Stem.Cifar
          "imagenet", "A 7x7 convolution and pooling: a quarter of the size.", Stem.ImageNet ]

/// The keys that describe a network, as part of a larger record.
let fields (get: 'record -> Model) (set: Model -> 'record -> 'record) : Field<'record> list =
    [ Field.required
          "model"
          "The network."
          [ "name"; "arch"; "architecture" ]
          (get >> _.Name)
          (fun value record -> set { get record with Name = value } record)
          name
      Field.optional
          "stem"
          "The first layers."
          "by the size of the images: cifar up to 64 pixels"
          []
          (get >> _.Stem)
          (fun value record -> set { get record with Stem = value } record)
          stem ]

let codec: Codec<Model> = Record.codec blank false (fields id (fun value _ -> value))
