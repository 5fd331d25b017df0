/// Merges an experiment file into the one that it extends, and `--set` values into a file.
module ChannelDistillation.Dsl.Yaml.Merge

open System
open ChannelDistillation.Dsl

/// Alternative groups of keys in a section: setting a key of one group removes the others.
let private alternatives (section: string) =
    match section with
    | "lr_schedule" -> [ [ "constant" ]; [ "step" ]; [ "cosine" ] ]
    | "decay" -> [ [ "none" ]; [ "step" ]; [ "every" ]; [ "linear" ]; [ "cosine" ] ]
    | "teacher" -> [ [ "checkpoint" ]; [ "train"; "seed" ]; [ "known" ] ]
    | "dataset" -> [ [ "name" ]; [ "image_folder"; "classes" ] ]
    | _ -> []

/// Further keys that a key conflicts with, outside the alternative groups.
let private excluded (section: string) (key: string) =
    match section, key with
    | "teacher", "known" -> [ "model"; "stem" ]
    | "teacher", ("model" | "stem") -> [ "known" ]
    | _ -> []

let private section (path: string list) =
    match path with
    | last :: _ -> last
    | [] -> ""

let private withoutAlternatives path (key: string) (entries: Entry list) =
    let groups = alternatives (section path)

    let others =
        match groups |> List.tryFind (List.contains key) with
        | None -> []
        | Some own -> groups |> List.filter (fun group -> group <> own) |> List.concat

    let removed = others @ excluded (section path) key
    entries |> List.filter (fun entry -> not (List.contains entry.Name removed))

let private mapping (node: Node) entries = { node with Content = Mapping entries }

let private entry name (value: Node) = { Name = name; At = Node.place value; Value = value }

/// Expands a short form to the mapping that it stands for, so that a part of it can be set. Paths have the last segment first.
let private expand (path: string list) (node: Node) : Node =
    match path, node.Content with
    | _, Plain _ when Node.isNothing node -> mapping node []
    | [ "teacher" ], (Plain name | Quoted name) when name <> "none" -> mapping node [ entry "known" { node with Key = None } ]
    | [ "dataset" ], (Plain _ | Quoted _) -> mapping node [ entry "name" { node with Key = None } ]
    | ("lr_schedule" | "decay") :: _, (Plain name | Quoted name) -> mapping node [ entry name (mapping node []) ]
    | [ _; "variants" ], Sequence _ -> mapping node [ entry "losses" { node with Key = None } ]
    | _ -> node

/// Whether a value is replaced as a whole: the values of an axis, a list or a range, are never merged.
let private isWhole (path: string list) =
    match path with
    | [ _; "product"; "grid" ] -> true
    | [ "product"; "grid" ]
    | [ "grid" ] -> false
    | _ -> List.contains "grid" path

/// A value given for an existing named axis, without repeating its paths: it replaces the axis's values. None: it replaces the axis.
let private intoNamedAxis (path: string list) (upper: Node) (lower: Node) : Node option =
    let has key node = (Node.entry key node).IsSome

    let replacing key (value: Node) =
        match lower.Content with
        | Mapping entries ->
            let others = entries |> List.filter (fun entry -> entry.Name <> key)
            Some(mapping lower (others @ [ entry key value ]))
        | _ -> None

    match path with
    | [ _; "product"; "grid" ]
    | [ _; _; "zip"; "grid" ] when has "paths" lower ->
        match upper.Content with
        | Mapping [ { Name = ("paths" | "values") as key; Value = value } ] -> replacing key value
        | Mapping _ when has "paths" upper -> None
        | Sequence _
        | Mapping _ -> replacing "values" upper
        | _ -> None
    | _ -> None

let rec private merge (path: string list) (upper: Node) (lower: Node) : Node =
    match upper.Content with
    | Sequence _
    | Mapping _ when isWhole path -> intoNamedAxis path upper lower |> Option.defaultValue upper
    | Mapping above ->
        match (expand path lower).Content with
        | Mapping below ->
            let find name entries = entries |> List.tryFind (fun (entry: Entry) -> entry.Name = name)
            // A key without a value removes the inherited one, and nothing else.
            let removes (entry: Entry) = Node.isNothing entry.Value && (find entry.Name below).IsSome
            let above, removed = above |> List.partition (removes >> not)
            let below = below |> List.filter (fun entry -> (find entry.Name removed).IsNone)
            let below = (below, above) ||> List.fold (fun below entry -> withoutAlternatives path entry.Name below)

            let kept =
                below
                |> List.map (fun old ->
                    match find old.Name above with
                    | None -> old
                    | Some entry -> { entry with Value = merge (old.Name :: path) entry.Value old.Value })

            let added = above |> List.filter (fun entry -> (find entry.Name below).IsNone)

            mapping upper (kept @ added)
        | _ -> upper
    | _ -> upper

/// Merges an experiment into the one that it extends: mappings key by key; everything else is replaced.
let extend (upper: Node) (lower: Node) = merge [] upper lower

/// Splits the first segment off a dotted path. Existing keys may contain dots.
let private split (keys: string list) (path: string) =
    let known = keys |> List.filter (fun key -> path = key || path.StartsWith(key + ".")) |> List.sortByDescending _.Length

    match known with
    | key :: _ -> key, path.Substring(min path.Length (key.Length + 1))
    | [] ->
        match path.IndexOf '.' with
        | -1 -> path, ""
        | dot -> path.Substring(0, dot), path.Substring(dot + 1)

/// Sets the value at a path, which creates missing mappings and removes alternatives; without a value, removes what is there and nothing else.
let set (root: Node) (at: Place) (path: string) (value: Node option) : Result<Node, Problem> =
    let fail mistake = raise (Abort { Diagnostic = mistake; Place = Some at })

    let empty = { Content = Mapping []; Place = at; Key = Some at }

    let rec put (above: string list) (rest: string) (node: Node) : Node =
        match (expand above node).Content with
        | Mapping entries -> inMapping above rest node entries
        | Sequence items -> inList above rest node items
        | _ -> fail (SetBelowValue(List.rev above, fst (split [] rest)))

    and inMapping above rest node entries =
        let keys = entries |> List.map _.Name
        let isKey key = rest = key || rest.StartsWith(key + ".")

        // Axes are keys with dots, including new ones.
        let key, rest =
            match above with
            | [ "product"; "grid" ]
            | [ _; ("zip" | "exclude" | "include"); "grid" ] when not (List.exists isKey keys) -> rest, ""
            | _ -> split keys rest

        // Removing an alternative leaves the others.
        let entries = if value.IsSome then withoutAlternatives above key entries else entries
        let old = entries |> List.tryFind (fun entry -> entry.Name = key)

        // A path may omit `losses` below a variant.
        match above, old, entries with
        | [ _; "variants" ], None, [ { Name = "losses"; Value = list } as losses ] when key <> "edt" && rest <> "" ->
            let changed = put ("losses" :: above) $"{key}.{rest}" list
            mapping node [ { losses with Value = changed } ]
        | _ ->
            let changed =
                // Nothing is created in order to remove a part of it.
                if rest <> "" && (value.IsSome || old.IsSome) then
                    Some(put (key :: above) rest (old |> Option.map _.Value |> Option.defaultValue empty))
                else
                    match value, old with
                    | Some value, Some old -> intoNamedAxis (key :: above) value old.Value |> Option.orElse (Some value)
                    | _ -> value

            match old, changed with
            | _, None -> mapping node (entries |> List.filter (fun entry -> entry.Name <> key))
            | Some _, Some changed -> mapping node [ for entry in entries -> if entry.Name = key then { entry with Value = changed } else entry ]
            | None, Some changed -> mapping node (entries @ [ { Name = key; At = at; Value = changed } ])

    /// Sets an entry by position, or by name in a list of names (with or without settings).
    and inList above rest node items =
        let nameOf (item: Node) =
            match item.Content with
            | Plain name
            | Quoted name -> name
            | Mapping [ entry ] -> entry.Name
            | _ -> ""

        let key, rest = split (items |> List.map nameOf |> List.filter ((<>) "")) rest

        let position =
            match Int32.TryParse key with
            | true, index when index >= 0 && index < items.Length -> Some index
            | _ -> items |> List.tryFindIndex (fun item -> nameOf item = key)

        let change (item: Node) =
            match item.Content, value with
            | (Plain name | Quoted name), _ when rest <> "" && name = key ->
                Some(mapping item [ entry name (put (key :: above) rest { empty with Key = None }) ])
            | Mapping [ old ], _ when old.Name = key && rest <> "" ->
                Some(mapping item [ { old with Value = put (key :: above) rest (expand above old.Value) } ])
            | _ when rest <> "" -> Some(put (key :: above) rest item)
            | _, value -> value

        match position with
        | None -> fail (SetBelowValue(List.rev above, key))
        | Some index ->
            { node with
                Content = Sequence(items |> List.mapi (fun i item -> if i = index then change item else Some item) |> List.choose id) }

    try
        Ok(put [] path root)
    with Abort problem ->
        Error problem
