namespace ChannelDistillation.Dsl

/// Keys of records.
module Field =
    let private build key doc required shown also shape take give edit : Field<'record> =
        { Shape = { Key = key; Doc = doc; Required = required; Default = shown; Shape = shape }
          Also = also
          Take = take
          Give = give
          EditPart = edit }

    /// The edit of a part as an edit of its record.
    let private lift get set (edit: Edit<'part>) : Edit<'record> =
        fun reader path node -> edit reader path node |> Option.map (fun change record -> set (change (get record)) record)

    let private whole get set required shown equalsDefault key doc also (codec: 'record -> Codec<'part>) start =
        build
            key
            doc
            required
            shown
            also
            (codec start).Shape
            (fun reader path node record ->
                match (codec record).Read reader path node with
                | Some value -> set value record
                | None -> record)
            (fun record ->
                let value = get record
                if equalsDefault value then None else Some((codec record).Write value))
            (fun path record -> (codec record).Edit path (get record) |> Result.map (lift get set))

    /// A key that must be written.
    let required key doc also get set (codec: Codec<'part>) : Field<'record> =
        whole get set true "" (fun _ -> false) key doc also (fun _ -> codec) Unchecked.defaultof<'record>

    /// A key whose absence means a value.
    let withDefault key doc also (standard: 'part) get set (codec: Codec<'part>) : Field<'record> =
        let shown =
            match codec.Write standard with
            | Scalar text -> text
            | _ -> ""

        whole get set false shown ((=) standard) key doc also (fun _ -> codec) Unchecked.defaultof<'record>

    /// A key whose codec depends on what was read before it.
    let dependent key doc required shown also isDefault get set (codec: 'record -> Codec<'part>) start : Field<'record> =
        whole get set required shown isDefault key doc also codec start

    /// A key that may be absent.
    let optional key doc shown also (get: 'record -> 'part option) (set: 'part option -> 'record -> 'record) (codec: Codec<'part>) : Field<'record> =
        build
            key
            doc
            false
            shown
            also
            codec.Shape
            (fun reader path node record ->
                match codec.Read reader path node with
                | Some value -> set (Some value) record
                | None -> record)
            (fun record -> get record |> Option.map codec.Write)
            (fun path record ->
                match path, get record with
                | [], _ -> Ok(fun reader path node -> codec.Read reader path node |> Option.map (fun value record -> set (Some value) record))
                | _, None -> Error(NoSuchPart key)
                | _, Some value ->
                    codec.Edit path value
                    |> Result.map (fun edit reader path node ->
                        edit reader path node |> Option.map (fun change record -> set (get record |> Option.map change) record)))

module Record =
    let legal (fields: Field<'record> list) = fields |> List.map (fun field -> field.Shape.Key)

    /// The keys that an unknown one may stand for.
    let private near (key: string) (fields: Field<'record> list) =
        let other =
            fields
            |> List.filter (fun field -> field.Also |> List.exists (fun also -> Suggest.near key [ also ] <> [] && Suggest.distance key also <= 1))
            |> legal

        if other <> [] then other else Suggest.near key (legal fields)

    /// Paths to a key deeper within a record: `lr` belongs in `optimizer.sgd`.
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

    /// Keys of a mapping that no field takes; gives the keys they may have been meant to be.
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

    /// Where a whole mapping is pointed at: its key; the file itself has none.
    let placeOf path (node: Node) =
        if List.isEmpty path then
            { node.Place with Line = 1; Column = 1; Length = 0 }
        else
            Node.place node

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

    let private edit (fields: Field<'record> list) read path (record: 'record) : Result<Edit<'record>, PathMistake> =
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

    /// A mapping with known keys. `start` holds the values of absent keys; with `inherits` none has to be written.
    let codec (start: 'record) inherits (fields: Field<'record> list) : Codec<'record> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Mapping entries -> Some(readFields reader path node inherits [] fields start entries)
            | _ ->
                let place = if Node.isNothing node then Node.place node else node.Place

                let word =
                    fields
                    |> List.tryHead
                    |> Option.bind (fun field ->
                        match field.Shape.Shape with
                        | WordShape _ when field.Shape.Required -> Some field.Shape.Key
                        | _ -> None)

                reader.Report(path, place, WrongKind(WantMapping word, Node.kind node))
                None

        let shape (field: Field<'record>) = { field.Shape with Required = field.Shape.Required && not inherits }

        { Shape = RecordShape(List.map shape fields)
          Read = read
          Write = give fields >> Entries
          Edit = edit fields read }

/// One of the alternatives of a choice.
type Case<'value> =
    {
        Shape: CaseShape
        /// The value of the case written as a word alone.
        Alone: 'value option
        Take: Reader -> string list -> Node -> 'value option
        /// Its inside, if the value is this case.
        Give: 'value -> Setting option
        EditInside: string list -> 'value -> Result<Edit<'value>, PathMistake> option
    }

/// Mappings with exactly one of some keys: `{ step: { at: [60], factor: 0.2 } }`.
module Choice =
    let case name doc (alone: 'inside option) into (out: 'value -> 'inside option) (codec: Codec<'inside>) : Case<'value> =
        { Shape = { Name = name; CaseDoc = doc; Alone = alone.IsSome; Inside = codec.Shape }
          Alone = Option.map into alone
          Take =
            fun reader path node ->
                match alone with
                | Some value when Node.isNothing node -> Some(into value)
                | _ -> codec.Read reader path node |> Option.map into
          Give = fun value -> out value |> Option.map (fun inside -> if Some inside = alone then Entries [] else codec.Write inside)
          EditInside =
            fun path value ->
                out value
                |> Option.map (fun inside ->
                    codec.Edit path inside
                    |> Result.map (fun edit reader path node ->
                        edit reader path node
                        |> Option.map (fun change value ->
                            match out value with
                            | Some inside -> into (change inside)
                            | None -> value))) }

    let names (cases: Case<'value> list) = cases |> List.map (fun case -> case.Shape.Name)

    /// The case that a mapping names. A misspelt case is reported as an unknown key: that no case is left is then no news.
    let readEntries (reader: Reader) path (node: Node) (cases: Case<'value> list) extra (entries: Entry list) =
        let legal = names cases
        let isUnknown (entry: Entry) = not (List.contains entry.Name legal || List.contains entry.Name extra)

        match entries |> List.filter (fun entry -> List.contains entry.Name legal) with
        | [] when List.exists isUnknown entries -> None
        | [ entry ] ->
            let case = cases |> List.find (fun case -> case.Shape.Name = entry.Name)
            case.Take reader (entry.Name :: path) entry.Value
        | found ->
            let place =
                match found with
                | _ :: second :: _ -> second.At
                | _ -> Node.place node

            reader.Report(path, place, NotOneChoice(List.head (path @ [ "" ]), legal, found |> List.map (fun entry -> entry.Name)))
            None

    let readWord (reader: Reader) path (node: Node) (cases: Case<'value> list) text =
        match cases |> List.tryFind (fun case -> case.Shape.Name = text) with
        | Some case when case.Alone.IsSome -> case.Alone
        | Some case ->
            let keys =
                match case.Shape.Inside with
                | RecordShape fields -> fields |> List.filter _.Required |> List.map _.Key
                | _ -> []

            reader.Report(path, node.Place, CaseWithoutSettings(text, keys))
            None
        | None ->
            let legal = names cases
            reader.Report(path, node.Place, UnknownName(Choice(List.head (path @ [ "" ])), text, legal, Suggest.near text legal))
            None

    let write (cases: Case<'value> list) value =
        cases
        |> List.pick (fun case ->
            case.Give value
            |> Option.map (fun inside ->
                match inside with
                | Entries [] when case.Alone = Some value -> Scalar case.Shape.Name
                | _ -> Entries [ case.Shape.Name, inside ]))

    let edit (cases: Case<'value> list) read path value : Result<Edit<'value>, PathMistake> =
        match path with
        | [] -> Ok(fun reader path node -> read reader path node |> Option.map (fun value _ -> value))
        | segment :: rest ->
            match cases |> List.tryFind (fun case -> case.Shape.Name = segment) with
            | None -> Error(NoSuchKey([], segment, names cases))
            | Some case ->
                match case.EditInside rest value with
                | None -> Error(NoSuchCase segment)
                | Some result ->
                    result
                    |> Result.mapError (function
                        | NoSuchKey(after, wrong, legal) -> NoSuchKey(segment :: after, wrong, legal)
                        | other -> other)

    let codec (cases: Case<'value> list) : Codec<'value> =
        let read (reader: Reader) path (node: Node) =
            match node.Content with
            | Mapping entries ->
                let legal = names cases

                for entry in entries do
                    if not (List.contains entry.Name legal) then
                        reader.Report(entry.Name :: path, entry.At, UnknownKey(entry.Name, List.rev path, legal, Suggest.near entry.Name legal, []))

                readEntries reader path node cases [] entries
            | Plain text
            | Quoted text when not (Node.isNothing node) -> readWord reader path node cases text
            | _ ->
                reader.Report(path, Node.place node, WrongKind(WantOneOf(names cases), Node.kind node))
                None

        { Shape = ChoiceShape(cases |> List.map (fun case -> case.Shape), [])
          Read = read
          Write = write cases
          Edit = edit cases read }
