namespace ChannelDistillation.Dsl.Yaml

open ChannelDistillation.Dsl

/// A YAML value with its place. Anchors and merge keys are resolved; the keys of a mapping are distinct.
type Node =
    {
        Content: Content
        Place: Place
        /// The place of its key, if it has one.
        Key: Place option
    }

and Content =
    | Plain of string
    | Quoted of string
    | Sequence of Node list
    | Mapping of Entry list

and Entry = { Name: string; At: Place; Value: Node }

module Node =
    /// Where to report a problem with the whole node: at its key, if it has one.
    let place (node: Node) = node.Key |> Option.defaultValue node.Place

    /// Whether the value is empty or null.
    let isNothing (node: Node) =
        match node.Content with
        | Plain("" | "~" | "null") -> true
        | _ -> false

    let kind (node: Node) =
        match node.Content with
        | Plain _ when isNothing node -> NothingThere
        | Plain text -> PlainText text
        | Quoted text -> QuotedText text
        | Sequence _ -> ListThere
        | Mapping _ -> MappingThere

    let entry name (node: Node) =
        match node.Content with
        | Mapping entries -> entries |> List.tryFind (fun entry -> entry.Name = name)
        | _ -> None

    /// The node at a path of keys and list positions (from 0).
    let rec find (path: string list) (node: Node) =
        match path with
        | [] -> Some node
        | segment :: rest ->
            match node.Content with
            | Mapping _ -> entry segment node |> Option.bind (fun entry -> find rest entry.Value)
            | Sequence items ->
                match System.Int32.TryParse segment with
                | true, index when index >= 0 -> List.tryItem index items |> Option.bind (find rest)
                | _ -> None
            | _ -> None

    /// The node as plain data.
    let rec setting (node: Node) =
        match node.Content with
        | Plain text -> Scalar(Numbers.shortest text)
        | Quoted text -> Scalar text
        | Sequence items -> Items(List.map setting items)
        | Mapping entries -> Entries(entries |> List.map (fun entry -> entry.Name, setting entry.Value))
