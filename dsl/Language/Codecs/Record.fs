namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml

module Record =
    let legal (fields: Field<'record> list) = fields |> List.map (fun field -> field.Shape.Key)

    /// The keys that an unknown key may stand for.
    let private near (key: string) (fields: Field<'record> list) =
        let also isIt = fields |> List.filter (fun field -> List.exists isIt field.Also) |> legal

        match also ((=) key) with
        | [] ->
            match also (fun word -> Suggest.near key [ word ] <> [] && Suggest.distance key word <= 1) with
            | [] -> Suggest.near key (legal fields)
            | found -> found
        | found -> found

    /// Paths to a key deeper in a record: `lr` belongs in `optimizer.sgd`.
    let private below (key: string) (fields: Field<'record> list) : string list list =
        let rec inShape (shape: Shape) : string list list =
            match shape with
            | RecordShape fields -> fields |> List.collect (fun field -> inField field.Key field.Shape)
            | ChoiceShape(cases, beside) -> (cases |> List.collect (fun case -> inField case.Name case.Inside)) @ inShape (RecordShape beside)
            | EitherShape shapes -> List.collect inShape shapes
            | _ -> []

        and inField name shape = (if name = key then [ [ name ] ] else []) @ (inShape shape |> List.map (fun path -> name :: path))

        fields
        |> List.filter (fun field ->
            field.Shape.Key <> "teacher"
            && field.Shape.Key <> "grid"
            && field.Shape.Key <> "losses"
            && field.Shape.Key <> "variants")
        |> List.collect (fun field -> inShape field.Shape.Shape |> List.map (fun path -> field.Shape.Key :: path))

    /// Reports unknown keys of a mapping. Returns the keys that they may stand for.
    let unknownKeys (reader: Reader) path (entries: Entry list) extra (fields: Field<'record> list) =
        let known = extra @ legal fields

        [ for entry in entries do
              if not (List.contains entry.Name known) then
                  let near =
                      match near entry.Name fields with
                      | [] -> Suggest.near entry.Name extra
                      | found -> found

                  let elsewhere = if near.IsEmpty then below entry.Name fields else []
                  reader.Report(entry.Name :: path, entry.At, UnknownKey(entry.Name, List.rev path, known, near, elsewhere))
                  yield! near ]

    /// Where to report a problem with a whole mapping: at its key. The file itself has no key, so no line is underlined.
    let placeOf path (node: Node) = if List.isEmpty path then { node.Place with Length = 0 } else Node.place node

    /// Reads the fields of a mapping into a record. Missing keys are problems unless the record inherits its values.
    let readFields (reader: Reader) path (node: Node) inherits extra (fields: Field<'record> list) (start: 'record) entries =
        let meant = unknownKeys reader path entries extra fields

        (start, fields)
        ||> List.fold (fun record field ->
            let key = field.Shape.Key

            match entries |> List.tryFind (fun entry -> entry.Name = key) with
            | Some entry -> field.Take reader (key :: path) entry.Value record
            | None ->
                if List.contains key meant then
                    reader.Spoil(key :: path)
                elif field.Shape.Required && not inherits then
                    reader.Report(key :: path, placeOf path node, MissingKey(key, List.rev path, field.Shape.Doc))

                record)

    let private edit (fields: Field<'record> list) read path (record: 'record) : Result<Edit<'record>, PathDiagnostic> =
        match path with
        | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
        | segment :: rest ->
            match fields |> List.tryFind (fun field -> field.Shape.Key = segment) with
            | Some field ->
                field.EditPart rest record
                |> Result.mapError (function
                    | NoSuchKey(after, wrong, legal) -> NoSuchKey(segment :: after, wrong, legal)
                    | other -> other)
            | None -> Error(NoSuchKey([], segment, legal fields))

    let give (fields: Field<'record> list) record =
        fields |> List.choose (fun field -> field.Give record |> Option.map (fun value -> field.Shape.Key, value))

    /// A mapping with known keys. `start`: the values of absent keys. `inherits`: no key is required.
    let codec (start: 'record) inherits (fields: Field<'record> list) : Codec<'record> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Mapping entries -> Some(readFields reader path node inherits [] fields start entries)
            | _ ->
                let place = if Node.isNothing node then Node.place node else node.Place

                // A single value is probably meant for the first key.
                let word =
                    fields
                    |> List.tryHead
                    |> Option.filter (fun field ->
                        match field.Shape.Shape, node.Content with
                        | WordShape _, _ -> field.Shape.Required
                        | (NumberShape _ | WholeShape _), Plain text -> (Numbers.tryParse text).IsSome
                        | _ -> false)
                    |> Option.map _.Shape.Key

                reader.Report(path, place, WrongKind(WantMapping word, Node.kind node))
                None

        let shape (field: Field<'record>) = { field.Shape with Required = field.Shape.Required && not inherits }

        { Shape = RecordShape(List.map shape fields)
          Read = read
          Write = give fields >> Entries
          Edit = edit fields read }
