/// Caching of the teacher's outputs: `true`, `false`, or `{ views: N }`.
module ChannelDistillation.Dsl.Codecs.CacheCodec

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs.Codec

let private record =
    Record.codec
        { Views = None }
        false
        [ Field.required
              "views"
              "Number N of augmented views of each training image: epoch e uses view (e - 1) mod N + 1."
              []
              (fun cache -> defaultArg cache.Views 1)
              (fun value cache -> { cache with Views = Some value })
              (int32 1 10_000) ]

let codec: Codec<TeacherCache option> =
    let read (reader: Reader) path (node: Node) =
        match node.Content with
        | Mapping _ -> record.Read reader path node |> Option.filter _.Views.IsSome |> Option.map Some
        | _ -> flag.Read reader path node |> Option.map (fun on -> if on then Some { Views = None } else None)

    leaf (EitherShape [ flag.Shape; record.Shape ]) read (fun cache ->
        match cache with
        | Some({ Views = Some _ } as views) -> record.Write views
        | other -> flag.Write other.IsSome)
