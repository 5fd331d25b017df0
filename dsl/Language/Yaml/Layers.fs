/// One experiment file over another, and single settings over a file.
module ChannelDistillation.Dsl.Yaml.Layers

open System
open ChannelDistillation.Dsl

/// Groups of keys of a section that stand for one another: writing one takes the place of the others.
let private rivals (section: string) =
    match section with
    | "lr_schedule" -> [ [ "constant" ]; [ "step" ]; [ "cosine" ] ]
    | "decay" -> [ [ "none" ]; [ "step" ]; [ "every" ]; [ "linear" ]; [ "cosine" ] ]
    | "teacher" -> [ [ "checkpoint" ]; [ "train"; "seed" ]; [ "known" ] ]
    | "dataset" -> [ [ "name" ]; [ "image_folder"; "classes" ] ]
    | _ -> []

/// Keys that say something else of the same, so that they and the rivals of their group cannot stand side by side.
let private excluded (section: string) (key: string) =
    match section, key with
    | "teacher", "known" -> [ "model"; "stem" ]
    | "teacher", ("model" | "stem") -> [ "known" ]
    | _ -> []

let private section (path: string list) =
    match path with
    | last :: _ -> last
    | [] -> ""

let private withoutRivals path (key: string) (entries: Entry list) =
    let groups = rivals (section path)

    let others =
        match groups |> List.tryFind (List.contains key) with
        | None -> []
        | Some own -> groups |> List.filter (fun group -> group <> own) |> List.concat

    let gone = others @ excluded (section path) key
    entries |> List.filter (fun entry -> not (List.contains entry.Name gone))

let private mapping (node: Node) entries = { node with Content = Mapping entries }

let private entry name (value: Node) = { Name = name; At = Node.place value; Value = value }

/// Short forms as the mappings that they stand for, so that a part can be set; a path has the last segment first.
let private widen (path: string list) (node: Node) : Node =
    match path, node.Content with
    | _, Plain _ when Node.isNothing node -> mapping node []
    | [ "teacher" ], (Plain name | Quoted name) when name <> "none" -> mapping node [ entry "known" { node with Key = None } ]
    | [ "dataset" ], (Plain _ | Quoted _) -> mapping node [ entry "name" { node with Key = None } ]
    | ("lr_schedule" | "decay") :: _, (Plain name | Quoted name) -> mapping node [ entry name (mapping node []) ]
    | [ _; "variants" ], Sequence _ -> mapping node [ entry "losses" { node with Key = None } ]
    | _ -> node

/// Below these, a value is one thing: a list or a range of values is not mixed with another.
let private isWhole (path: string list) =
    match path with
    | [ _; "product"; "grid" ] -> true
    | [ "product"; "grid" ]
    | [ "grid" ] -> false
    | _ -> List.contains "grid" path

let rec private merge (path: string list) (upper: Node) (lower: Node) : Node =
    match upper.Content with
    | Mapping above when not (isWhole path) ->
        match (widen path lower).Content with
        | Mapping below ->
            let below = (below, above) ||> List.fold (fun below entry -> withoutRivals path entry.Name below)

            let find name entries = entries |> List.tryFind (fun (entry: Entry) -> entry.Name = name)

            let kept =
                below
                |> List.choose (fun old ->
                    match find old.Name above with
                    | None -> Some old
                    // Nothing written over something takes it away.
                    | Some entry when Node.isNothing entry.Value -> None
                    | Some entry -> Some { entry with Value = merge (old.Name :: path) entry.Value old.Value })

            let added = above |> List.filter (fun entry -> (find entry.Name below).IsNone)

            mapping upper (kept @ added)
        | _ -> upper
    | _ -> upper

/// An experiment over the one that it extends: mappings are merged key by key, everything else is replaced.
let extend (upper: Node) (lower: Node) = merge [] upper lower

/// The first segment of a dotted path and what is left of it. Keys that are there may hold dots themselves.
let private split (keys: string list) (path: string) =
    let known = keys |> List.filter (fun key -> path = key || path.StartsWith(key + ".")) |> List.sortByDescending _.Length

    match known with
    | key :: _ -> key, path.Substring(min path.Length (key.Length + 1))
    | [] ->
        match path.IndexOf '.' with
        | -1 -> path, ""
        | dot -> path.Substring(0, dot), path.Substring(dot + 1)

/// Puts a value at a path, creating the mappings on the way; without a value, takes away what is there.
let set (root: Node) (at: Place) (path: string) (value: Node option) : Result<Node, Problem> =
    let fail mistake = raise (Abort { Diagnostic = mistake; Place = Some at })

    let empty = { Content = Mapping []; Place = at; Key = Some at }

    let rec put (above: string list) (rest: string) (node: Node) : Node =
        match (widen above node).Content with
        | Mapping entries -> inMapping above rest node entries
        | Sequence items -> inList above rest node items
        | _ -> fail (SetThroughValue(List.rev above, fst (split [] rest)))

    and inMapping above rest node entries =
        let keys = entries |> List.map _.Name
        let isKey key = rest = key || rest.StartsWith(key + ".")

        // Axes are keys with dots in them, also those that are not there yet.
        let key, rest =
            match above with
            | [ "product"; "grid" ]
            | [ _; ("zip" | "exclude" | "include"); "grid" ] when not (List.exists isKey keys) -> rest, ""
            | _ -> split keys rest

        let entries = withoutRivals above key entries
        let old = entries |> List.tryFind (fun entry -> entry.Name = key)

        // A variant's list of losses may be left out of the path.
        match above, old, entries with
        | [ _; "variants" ], None, [ { Name = "losses"; Value = list } as losses ] when key <> "edt" && rest <> "" ->
            let changed = put ("losses" :: above) $"{key}.{rest}" list
            mapping node [ { losses with Value = changed } ]
        | _ ->
            let changed =
                if rest <> "" then
                    Some(put (key :: above) rest (old |> Option.map _.Value |> Option.defaultValue empty))
                else
                    value

            match old, changed with
            | _, None -> mapping node (entries |> List.filter (fun entry -> entry.Name <> key))
            | Some _, Some changed -> mapping node [ for entry in entries -> if entry.Name = key then { entry with Value = changed } else entry ]
            | None, Some changed -> mapping node (entries @ [ { Name = key; At = at; Value = changed } ])

    /// By position, or by name where the list holds names (with or without settings).
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
                Some(mapping item [ { old with Value = put (key :: above) rest (widen above old.Value) } ])
            | _ when rest <> "" -> Some(put (key :: above) rest item)
            | _, value -> value

        match position with
        | None -> fail (SetThroughValue(List.rev above, key))
        | Some index ->
            { node with
                Content = Sequence(items |> List.mapi (fun i item -> if i = index then change item else Some item) |> List.choose id) }

    try
        Ok(put [] path root)
    with Abort problem ->
        Error problem
