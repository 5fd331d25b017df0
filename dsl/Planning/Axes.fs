/// The axes of a grid, found in the experiment that they vary.
module ChannelDistillation.Dsl.Axes

open ChannelDistillation.Losses

/// A value of an axis.
type AxisValue =
    {
        Setting: Setting
        Place: Place
        /// The experiment with this value.
        Apply: Experiment -> Experiment
    }

type FoundAxis = { Path: string; Segments: string list; Values: AxisValue[] }

/// What a grid does not multiply: what names the experiment or holds all runs together.
let private notAnAxis = [ "experiment"; "description"; "seeds"; "grid"; "published"; "extends"; "variants"; "losses" ]

/// The segments of a path. Names of variants may hold dots.
let segments (experiment: Experiment) (path: string) : string list =
    let prefix = "variants."

    let named =
        if path.StartsWith prefix then
            let rest = path.Substring prefix.Length

            experiment.Variants
            |> List.map _.Name
            |> List.filter (fun name -> rest = name || rest.StartsWith(name + "."))
            |> List.sortByDescending _.Length
            |> List.tryHead
            |> Option.map (fun name -> name, rest.Substring(min rest.Length (name.Length + 1)))
        else
            None

    match named with
    | Some(name, "") -> [ "variants"; name ]
    | Some(name, rest) -> "variants" :: name :: List.ofArray (rest.Split '.')
    | None -> List.ofArray (path.Split '.')

/// The setter at a path, or why there is none.
let private setter (experiment: Experiment) path (segments: string list) : Result<Edit<Experiment>, Mistake> =
    match segments with
    | [ head ] when List.contains head notAnAxis -> Error(NotAnAxis path)
    | ("experiment" | "description" | "seeds" | "grid" | "published" | "extends") :: _ -> Error(NotAnAxis path)
    | _ ->
        match ExperimentCodec.codec.Edit segments experiment with
        | Ok edit -> Ok edit
        | Error(NoSuchKey([ "losses" ], name, _)) when (LossCodec.find name).IsSome -> Error(NotDeclaredOnPath(path, name))
        | Error(NoSuchKey(after, segment, legal)) ->
            let legal =
                if after.IsEmpty then
                    legal |> List.filter (fun key -> not (List.contains key notAnAxis) || key = "losses" || key = "variants")
                else
                    legal

            Error(UnknownPath(path, segment, after, legal, Suggest.near segment legal))
        | Error(NoSuchCase case) -> Error(CaseNotThere(path, case))
        | Error(NoSuchPart part) -> Error(PartNotThere(path, part))

/// A setting without a place of its own, at that of what it was made from.
let rec private located (place: Place) (setting: Setting) : Node =
    let content =
        match setting with
        | Scalar text -> Plain text
        | Items items -> Sequence(List.map (located place) items)
        | Entries entries -> Mapping [ for name, value in entries -> { Name = name; At = place; Value = located place value } ]

    { Content = content; Place = place; Key = None }

let private prefix (a: string list) (b: string list) = a.Length <= b.Length && List.truncate a.Length b = a

/// Reports an axis that another one contains.
let checkOverlap (reader: Reader) (where: Where) (axes: (string list * string * string list) list) =
    axes
    |> List.iteri (fun index (at, path, segments) ->
        match axes |> List.truncate index |> List.tryFind (fun (_, _, other) -> prefix other segments || prefix segments other) with
        | Some(_, other, _) -> reader.Report([ "grid" ], Option.get (where.Key at), PathOverlap(path, other))
        | None -> ())

/// One value on a path.
let value (reader: Reader) (where: Where) (experiment: Experiment) (at: string list) path (setting: Setting) : AxisValue option =
    let segments = segments experiment path

    match setter experiment path segments with
    | Error mistake ->
        reader.Report([ "grid" ], Option.get (where.Key at), mistake)
        None
    | Ok edit ->
        let node =
            match where.Node at with
            | Some node -> node
            | None -> located (Option.get (where.Value at)) setting

        edit reader (List.rev segments) node
        |> Option.map (fun apply -> { Setting = setting; Place = node.Place; Apply = apply })

/// An axis of the section `grid` at some place of it.
let find (reader: Reader) (where: Where) (experiment: Experiment) (at: string list) (axis: Axis) : FoundAxis option =
    let segments = segments experiment axis.Path

    match setter experiment axis.Path segments with
    | Error mistake ->
        reader.Report([ "grid" ], Option.get (where.Key at), mistake)
        None
    | Ok edit ->
        let nodes =
            match where.Node at with
            | Some { Content = Sequence items } when items.Length = axis.Values.Length -> items
            | Some node -> axis.Values |> List.map (located node.Place)
            | None -> axis.Values |> List.map (located (Option.get (where.Value at)))

        let path = List.rev segments
        let before = reader.Problems.Length

        let values =
            (axis.Values, nodes)
            ||> List.map2 (fun setting node ->
                edit reader path node |> Option.map (fun apply -> { Setting = setting; Place = node.Place; Apply = apply }))

        if reader.Problems.Length = before && List.forall Option.isSome values then
            Some { Path = axis.Path; Segments = segments; Values = values |> List.choose id |> Array.ofList }
        else
            None

/// Whether a variant's runs may differ along an axis.
let mayUse (variant: Variant) (others: FoundAxis list) (axis: FoundAxis) =
    let changesLosses =
        others
        |> List.exists (fun other ->
            match other.Segments with
            | [ "variants"; name ]
            | [ "variants"; name; "losses" ] -> name = variant.Name
            | _ -> false)

    match axis.Segments with
    | "variants" :: name :: _ -> name = variant.Name
    | _ when changesLosses -> true
    | "losses" :: name :: rest ->
        match variant.Losses |> List.tryFind (fun (loss, _) -> loss = name) with
        | None -> false
        | Some(_, own) ->
            match rest with
            | "weight" :: _ -> own.Weight.IsNone
            | "start_after" :: _ -> own.StartAfter.IsNone
            | "warmup" :: _ -> own.Warmup.IsNone
            | "decay" :: _ -> own.Decay.IsNone
            | [ parameter ] -> not (own.Parameters.ContainsKey parameter)
            | _ -> true
    | "teacher" :: _ -> Resolve.usesTeacher variant
    | _ -> true
