/// A network: `{ model: resnet8 }` or `{ torchscript: FILE }`.
module ChannelDistillation.Dsl.Codecs.ModelCodec

open ChannelDistillation.Core
open ChannelDistillation.Models
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let blank: Model = { Name = ""; Stem = None; Script = None }

let name = named Thing.Model (fun () -> [ for model in ModelCatalog.All -> model.Name, model.Doc ])

let stem =
    word
        "stem"
        [ "cifar", "A 3x3 convolution that keeps the image size.", Stem.Cifar
          "imagenet", "A 7x7 convolution and pooling, which reduce the image size by 4.", Stem.ImageNet ]

/// The keys that describe a network, as part of a larger record.
let fields (get: 'record -> Model) (set: Model -> 'record -> 'record) : Field<'record> list =
    [ Field.required
          "model"
          "Architecture of the network."
          [ "name"; "arch"; "architecture" ]
          (get >> _.Name)
          (fun value record -> set { get record with Name = value } record)
          name
      Field.optional
          "stem"
          "First layers of the network."
          "by image size: cifar up to 64 pixels"
          []
          (get >> _.Stem)
          (fun value record -> set { get record with Stem = value } record)
          stem ]

let private catalogued: Codec<Model> = Record.codec blank false (fields id (fun value _ -> value))

/// The key `torchscript` of a network from Python.
let scriptField doc (get: 'record -> Model) (set: Model -> 'record -> 'record) : Field<'record> =
    Field.required
        "torchscript"
        doc
        []
        (fun record -> defaultArg (get record).Script "")
        (fun path record -> set (TorchScriptCodec.model path) record)
        TorchScriptCodec.file

let private scripted: Codec<Model> =
    Record.codec
        blank
        false
        [ scriptField
              "A network from Python, instead of `model`: path of a TorchScript file, relative to this file. Its code is executed. `{seed}` stands for the run's seed (docs/python.md)."
              id
              (fun value _ -> value) ]

/// `{ model: NAME }`, or `{ torchscript: FILE }`.
let codec: Codec<Model> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping entries when TorchScriptCodec.isScripted node ->
            TorchScriptCodec.alone reader path entries [ "model"; "stem" ]
            let own = entries |> List.filter (fun entry -> not (List.contains entry.Name [ "model"; "stem" ]))
            scripted.Read reader path { node with Content = Mapping own }
        | _ -> catalogued.Read reader path node

    { Shape = EitherShape [ catalogued.Shape; scripted.Shape ]
      Read = read
      Write = fun model -> if model.Script.IsSome then scripted.Write model else catalogued.Write model
      Edit =
        fun path model ->
            match path, model.Script with
            | [], _ -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
            | ("model" | "stem" as key) :: _, Some _ -> Error(NoSuchPart key)
            | "torchscript" :: _, None -> Error(NoSuchPart "torchscript")
            | _, Some _ -> scripted.Edit path model
            | _, None -> catalogued.Edit path model }
