namespace ChannelDistillation.Dsl.Codecs

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml

/// An alternative of a choice.
type Case<'value> =
    {
        Shape: CaseShape
        /// The value of the case when it is written as a word alone.
        Alone: 'value option
        Take: Reader -> string list -> Node -> 'value option
        /// The settings of the case, if the value is this case.
        Give: 'value -> Setting option
        EditInside: string list -> 'value -> Result<Edit<'value>, PathDiagnostic> option
    }

/// Mappings with exactly one of several keys: `{ step: { at: [60], factor: 0.2 } }`.
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

    /// Reads the case that a mapping names. A misspelt case is reported as an unknown key only, not also as a missing case.
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

    let edit (cases: Case<'value> list) read path value : Result<Edit<'value>, PathDiagnostic> =
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
