/// Generates the reference of all keys in docs/yaml.md from the codecs that read files.
module ChannelDistillation.Dsl.Schema.Reference

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Codecs

let private bounds (bounds: Bounds) = MessageFormat.bounds bounds

let rec private kind (shape: Shape) : string =
    match shape with
    | TextShape -> "text"
    | NumberShape range ->
        match bounds range with
        | "finite" -> "number"
        | range -> $"number, {range}"
    | WholeShape(least, most) ->
        let range =
            if most >= Codec.reasonable then
                Codec.atLeast (float least)
            else
                Codec.between (float least) (float most)

        $"whole number, {bounds range}"
    | FlagShape -> "`true` or `false`"
    | WordShape words -> words |> List.map fst |> MessageFormat.either
    | ListShape(item, _) -> $"list: {kind item}"
    | RecordShape _
    | OpenShape _ -> "mapping"
    | ChoiceShape _ -> "one of the following"
    | NamedShape _ -> "mapping"
    | EitherShape shapes -> String.Join("; or ", shapes |> List.filter ((<>) NothingShape) |> List.map kind |> List.distinct)
    | NothingShape -> "nothing"
    | AnyShape -> "anything"

let private cell (text: string) = text.Replace("|", "\\|")

let private row (path: string) (field: FieldShape) =
    let standard =
        match field.Required, field.Default with
        | true, _ -> "**required**"
        | false, "" -> ""
        | false, shown when shown.Contains ' ' -> shown
        | false, shown -> MessageFormat.code shown

    $"| `{path}` | {cell (kind field.Shape)} | {cell standard} | {cell field.Doc} |"

/// The table rows of a field and of everything inside it.
let rec private rows (prefix: string) (field: FieldShape) : string list =
    let path = prefix + field.Key
    row path field :: inside (path + ".") field.Shape

and private inside prefix (shape: Shape) : string list =
    match shape with
    | RecordShape fields -> fields |> List.collect (rows prefix)
    | ChoiceShape(cases, beside) ->
        [ for case in cases do
              let alone = if case.Alone then "; or the word alone" else ""
              $"| `{prefix}{case.Name}` | mapping{alone} | | {cell case.CaseDoc} |"
              yield! inside $"{prefix}{case.Name}." case.Inside
          yield! beside |> List.collect (rows prefix) ]
    | EitherShape shapes ->
        // With several kinds of mapping, no key is required in all of them.
        let several = (shapes |> List.filter _.IsRecordShape).Length > 1

        let eased shape =
            match shape with
            | RecordShape fields when several -> RecordShape [ for field in fields -> { field with Required = false } ]
            | shape -> shape

        shapes |> List.collect (eased >> inside prefix) |> List.distinct
    | ListShape(RecordShape fields, _) -> fields |> List.collect (rows (prefix.TrimEnd '.' + "[]."))
    | NamedShape(RecordShape fields, _) -> fields |> List.collect (rows (prefix + "NAME."))
    | _ -> []

let private table rows = [ "| key | value | default | |"; "|---|---|---|---|" ] @ rows

/// All tables of the reference. Losses, which share most keys, have separate tables.
let keys () : string =
    let fields =
        match ExperimentCodec.codec.Shape with
        | RecordShape fields -> fields
        | _ -> []

    let own = [ "losses"; "variants"; "grid" ]

    let simple =
        fields
        |> List.collect (fun field ->
            match field.Key with
            | "teacher" ->
                // `teacher.train` has the keys of `train`, which are listed there.
                rows "" field |> List.filter (fun row -> not (row.StartsWith "| `teacher.train."))
            | key when List.contains key own -> [ row key field ]
            | _ -> rows "" field)

    let common, special =
        match fields |> List.tryFind (fun field -> field.Key = "losses") |> Option.map _.Shape with
        | Some(OpenShape(losses, _)) ->
            let settings (loss: FieldShape) =
                match loss.Shape with
                | EitherShape(RecordShape fields :: _) -> fields
                | _ -> []

            let shared = losses |> List.head |> settings |> List.map _.Key

            losses
            |> List.head
            |> settings
            |> List.collect (rows "losses.NAME.")
            |> List.map (fun row -> row.Replace("| `1` |", "| of the loss |"))
            |> List.map (fun row ->
                if row.StartsWith "| `losses.NAME.warmup`" then
                    row.Replace("| `0` |", "| of the loss |")
                else
                    row),
            [ for loss in losses do
                  let weight = settings loss |> List.find (fun field -> field.Key = "weight")
                  let own = settings loss |> List.filter (fun field -> not (List.contains field.Key shared))

                  let parameters =
                      match own with
                      | [] -> ""
                      | _ ->
                          String.Join(
                              "<br>",
                              [ for parameter in own -> $"`{parameter.Key}` ({kind parameter.Shape}; default `{parameter.Default}`): {parameter.Doc}" ]
                          )

                  let weight =
                      match (settings loss |> List.find (fun field -> field.Key = "warmup")).Default with
                      | "0" -> MessageFormat.code weight.Default
                      | epochs -> $"{MessageFormat.code weight.Default}, `warmup` {epochs}"

                  $"| `{loss.Key}` | {cell loss.Doc} | {weight} | {cell parameters} |" ]
        | _ -> [], []

    let grid = fields |> List.find (fun field -> field.Key = "grid") |> rows "" |> List.tail

    let part title lines = title :: "" :: lines @ [ "" ]

    part "### Keys" (table simple)
    @ part "### Settings of a loss, in `losses` and in a variant" (table common)
    @ part "### Losses" ([ "| loss | | weight | parameters |"; "|---|---|---|---|" ] @ special)
    @ part "### Grid" (table grid)
    |> fun lines -> String.Join("\n", lines)
