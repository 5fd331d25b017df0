/// Normalisation of pixel values.
module ChannelDistillation.Dsl.Codecs.NormalizeCodec

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let private numbers =
    let perChannel bounds = list false (number bounds)

    Record.codec
        ([], [])
        false
        [ Field.required "mean" "Mean of each channel, for pixel values in 0..1." [] fst (fun value (_, std) -> value, std) (perChannel any)
          Field.required
              "std"
              "Standard deviation of each channel, for pixel values in 0..1."
              []
              snd
              (fun value (mean, _) -> mean, value)
              (perChannel (above 0.0)) ]

/// Whether the dataset has this normalisation is checked later, when the dataset is known.
let private names =
    named (Choice "normalize") (fun () ->
        ChannelDistillation.Data.DatasetCatalog.All
        |> Seq.collect _.Normalizations.Keys
        |> Seq.distinct
        |> Seq.map (fun name -> name, "")
        |> Seq.toList)

let codec: Codec<Normalize> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Plain _
        | Quoted _ when not (Node.isNothing node) -> names.Read reader path node |> Option.map KnownNormalization
        | _ ->
            match numbers.Read reader path node with
            | Some([], _)
            | Some(_, [])
            | None -> None
            | Some numbers -> Some(MeanAndStd numbers)

    leaf (EitherShape [ names.Shape; numbers.Shape ]) read (fun value ->
        match value with
        | KnownNormalization name -> Scalar name
        | MeanAndStd(mean, std) -> numbers.Write(mean, std))
