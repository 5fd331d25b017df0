namespace ChannelDistillation.Dsl.Yaml

open ChannelDistillation.Dsl

/// Finds the places of an experiment's parts in its file.
type PlaceFinder(root: Node) =
    let rec nearest (node: Node) (path: string list) : Place option =
        match path with
        | [] -> Some node.Place
        | segment :: rest ->
            match Node.find [ segment ] node with
            | Some child -> nearest child rest |> Option.orElse (Some child.Place)
            | None -> None

    /// The main file, which may extend others.
    member _.File = root.Place.Source

    member _.Node path = Node.find path root

    /// The place of the value at a path, or of the nearest value that contains it.
    member _.Value(path: string list) = nearest root path

    /// The place of the key at a path.
    member this.Key(path: string list) =
        match Node.find path root with
        | Some node -> Some(Node.place node)
        | None -> this.Value path

    /// The list of a variant's losses.
    member private _.VariantList(variant: string) =
        let list =
            match Node.find [ "variants"; variant ] root with
            | Some { Content = Mapping _ } -> Node.find [ "variants"; variant; "losses" ] root
            | other -> other

        match list with
        | Some { Content = Sequence items } -> items
        | _ -> []

    /// The place of a loss in a variant's list.
    member this.VariantLoss(variant: string, loss: string) =
        this.VariantList variant
        |> List.tryPick (fun item ->
            match item.Content with
            | Plain name
            | Quoted name when name = loss -> Some item.Place
            | Mapping entries -> entries |> List.tryPick (fun entry -> if entry.Name = loss then Some entry.At else None)
            | _ -> None)
        |> Option.orElseWith (fun () -> this.Key [ "variants"; variant ])

    /// The place of a loss's setting in a variant's own list.
    member this.VariantSetting(variant: string, loss: string, key: string) =
        this.VariantList variant |> List.tryPick (fun item -> Node.find [ loss; key ] item) |> Option.map _.Place
