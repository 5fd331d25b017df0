/// The hold-out split: the part of the training set that is used for validation.
module ChannelDistillation.Dsl.Codecs.HoldOutCodec

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let private share = number { above 0.0 with Maximum = 1.0; BelowMaximum = true }

let private record =
    Record.codec
        { Share = 0.0; Seed = 0L }
        false
        [ Field.required
              "share"
              "Fraction of each class in the hold-out split."
              []
              _.Share
              (fun value held -> { held with HoldOut.Share = value })
              share
          Field.withDefault
              "seed"
              "Seed that selects the images; the same for all runs."
              []
              0L
              _.Seed
              (fun value held -> { held with HoldOut.Seed = value })
              (whole 0L Int64.MaxValue) ]

let codec: Codec<HoldOut> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping _ -> record.Read reader path node |> Option.filter (fun held -> held.Share > 0.0)
        | _ -> share.Read reader path node |> Option.map (fun share -> { Share = share; Seed = 0L })

    leaf (EitherShape [ share.Shape; record.Shape ]) read (fun held ->
        match held with
        | { Share = value; Seed = 0L } -> share.Write value
        | _ -> record.Write held)
