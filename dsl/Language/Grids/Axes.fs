/// Resolves the axes of a grid against the experiment.
module ChannelDistillation.Dsl.Grids.Axes

open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution

/// A value of an axis.
type AxisValue =
    {
        Setting: Setting
        Place: Place
        /// The experiment with this value.
        Apply: Experiment -> Experiment
    }

/// `Segments`: those of each path that the axis sets.
type FoundAxis =
    { Name: string
      Segments: string list list
      Values: AxisValue[] }

    /// Whether a path that it sets has a property.
    member axis.Sets(has: string list -> bool) = List.exists has axis.Segments

/// The segments of a path. Names of variants may contain dots.
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

/// Whether an unknown path is to be reported. It is not if the part of the file that it names is broken, which is reported already.
let private isUnreported (reader: Reader) (segments: string list) (mistake: PathDiagnostic) =
    let above (segment: string) = segments |> List.takeWhile ((<>) segment)

    match mistake with
    | NoSuchKey([ "losses" ], name, _) -> not (reader.WasMeant name || reader.IsSpoilt [ "losses"; name ])
    | NoSuchKey("variants" :: inside, name, _) ->
        not (reader.WasMeant name || reader.IsSpoilt("variants" :: (if inside.IsEmpty then [ name ] else [ inside.Head ])))
    | NoSuchKey(after, name, _) -> not (reader.IsReported(after @ [ name ]))
    | NoSuchCase name -> not (reader.IsSpoilt(above name))
    | NoSuchPart _ -> not (reader.IsSpoilt [ segments.Head ])

/// The setter of a path. Error: why there is none; None: the cause is reported already.
let private setter (reader: Reader) (experiment: Experiment) path (segments: string list) : Result<Edit<Experiment>, Diagnostic option> =
    match ExperimentCodec.axisUse segments.Head, segments with
    | Some HasAxes, [ _ ]
    | Some IsFixed, _ -> Error(Some(NotAnAxis path))
    | _ ->
        ExperimentCodec.codec.Edit segments experiment
        |> Result.mapError (fun mistake ->
            if not (isUnreported reader segments mistake) then
                None
            else
                match mistake with
                | NoSuchKey([ "losses" ], name, _) when (LossCodec.find name).IsSome -> Some(NotDeclaredOnPath(path, name))
                | NoSuchKey(after, segment, legal) ->
                    let legal =
                        if after.IsEmpty then
                            legal |> List.filter (fun key -> ExperimentCodec.axisUse key <> Some IsFixed)
                        else
                            legal

                    Some(UnknownPath(path, segment, after, legal, Suggest.near segment legal))
                | NoSuchCase case -> Some(CaseNotUsed(path, case))
                | NoSuchPart part -> Some(PartNotSet(path, part)))

/// A setting as a node; all its parts get the given place.
let rec private nodeOf (place: Place) (setting: Setting) : Node =
    let content =
        match setting with
        | Scalar text -> Plain text
        | Items items -> Sequence(List.map (nodeOf place) items)
        | Entries entries -> Mapping [ for name, value in entries -> { Name = name; At = place; Value = nodeOf place value } ]

    { Content = content; Place = place; Key = None }

let private prefix (a: string list) (b: string list) = a.Length <= b.Length && List.truncate a.Length b = a

/// Reports axes whose path contains another one's.
let checkOverlap (reader: Reader) (where: PlaceFinder) (axes: (string list * string * string list) list) =
    axes
    |> List.iteri (fun index (at, path, segments) ->
        match axes |> List.truncate index |> List.tryFind (fun (_, _, other) -> prefix other segments || prefix segments other) with
        | Some(_, other, _) -> reader.Report(List.rev at, Option.get (where.Key at), PathOverlap(path, other))
        | None -> ())

/// The paths of an axis of the grid; any other name is itself a path.
let pathsOf (experiment: Experiment) (name: string) = experiment.Grid.Named |> Map.tryFind name |> Option.defaultValue [ name ]

/// The paths that an axis at a place of the file sets, each with its own place and its segments.
let located (where: PlaceFinder) (experiment: Experiment) (at: string list) (paths: string list) : (string list * string * string list) list =
    [ for index, path in List.indexed paths do
          let own = at @ [ GridCodec.paths; string index ]
          (if (where.Node own).IsSome then own else at), path, segments experiment path ]

/// The setters of an axis, one for each path. If one has none, the reason is reported at the path.
let private trySetters (reader: Reader) (where: PlaceFinder) (experiment: Experiment) (at: string list) (paths: string list) =
    let found =
        [ for at, path, segments in located where experiment at paths ->
              match setter reader experiment path segments with
              | Ok edit -> Some(segments, edit)
              | Error mistake ->
                  mistake |> Option.iter (fun mistake -> reader.Report(List.rev at, Option.get (where.Key at), mistake))
                  None ]

    if List.forall Option.isSome found then Some(List.choose id found) else None

let private read (reader: Reader) (setters: (string list * Edit<Experiment>) list) (setting: Setting) (node: Node) =
    let changes = [ for segments, edit in setters -> edit reader (List.rev segments) node ]

    if List.forall Option.isSome changes then
        Some { Setting = setting; Place = node.Place; Apply = List.choose id changes |> List.reduce (>>) }
    else
        None

/// Resolves a single value on a path or a named axis.
let value (reader: Reader) (where: PlaceFinder) (experiment: Experiment) (at: string list) name (setting: Setting) : FoundAxis option =
    trySetters reader where experiment at (pathsOf experiment name)
    |> Option.bind (fun setters ->
        let node = where.Node at |> Option.defaultWith (fun () -> nodeOf (Option.get (where.Value at)) setting)

        read reader setters setting node
        |> Option.map (fun value -> { Name = name; Segments = List.map fst setters; Values = [| value |] }))

/// The values of an axis of the section `grid`; None for invalid ones, which are reported.
let values (reader: Reader) (where: PlaceFinder) (experiment: Experiment) (at: string list) (axis: Axis) : AxisValue option list =
    match trySetters reader where experiment at axis.Paths with
    | None -> []
    | Some setters ->
        let nodes =
            match where.Node(at @ [ GridCodec.values ]) |> Option.orElse (where.Node at) with
            | Some { Content = Sequence items } when items.Length = axis.Values.Length -> items
            // A duplicate value is reported, and counts once.
            | Some { Content = Sequence items } -> List.distinctBy Node.setting items
            | Some node -> axis.Values |> List.map (nodeOf node.Place)
            | None -> axis.Values |> List.map (nodeOf (Option.get (where.Value at)))

        List.map2 (read reader setters) axis.Values nodes

/// The parts of an experiment that an axis can change.
let varied (experiment: Experiment) =
    struct (experiment.Dataset, experiment.Teacher, experiment.Student, experiment.Train, experiment.Losses, experiment.Variants)

/// Whether a variant's runs can differ along an axis.
let mayUse (experiment: Experiment) (variant: Variant) (others: FoundAxis list) (axis: FoundAxis) =
    let changesLosses =
        others
        |> List.exists (fun other ->
            other.Sets(fun segments ->
                match segments with
                | [ "variants"; name ]
                | [ "variants"; name; "losses" ] -> name = variant.Name
                | _ -> false))

    axis.Sets(fun segments ->
        match segments with
        | "variants" :: name :: _ -> name = variant.Name
        | _ when changesLosses -> true
        | "losses" :: name :: rest ->
            match variant.Losses |> List.tryFind (fun (loss, _) -> loss = name) with
            | None -> false
            | Some(_, own) ->
                match rest with
                | key :: _ -> not (LossCodec.has key own)
                | [] -> true
        | "teacher" :: _ -> Resolve.usesTeacher experiment variant
        | _ -> true)
