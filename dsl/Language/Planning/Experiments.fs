/// Reads experiment files and plans them.
module ChannelDistillation.Dsl.Planning.Experiments

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

let private problem mistake place : Problem = { Diagnostic = mistake; Place = place }

/// Keeps one problem for each place, since others there usually follow from the first, and for each undeclared loss; warnings are all kept. Sorts by place: the main file,
/// then the files that it extends, then `--set` values in the order given.
let private distinct (main: Source) (settings: Source list) (problems: Problem list) =
    let rank (source: Source) =
        match List.tryFindIndex ((=) source) settings with
        | Some index -> 2 + index, ""
        | None when source = main -> 0, ""
        | None -> 1, source.Name

    problems
    |> List.distinctBy (fun problem ->
        match problem.Place with
        | Some place when not problem.IsWarning ->
            let key =
                match problem.Diagnostic with
                | MissingKey(key, _, _) -> key
                | _ -> ""

            Choice1Of2(place.Source, place.Line, place.Column, place.Length, key)
        | place -> Choice2Of2(place, problem.Diagnostic))
    |> List.sortBy (fun problem ->
        match problem.Place with
        | Some place -> rank place.Source, place.Line, place.Column
        | None -> (0, ""), 0, 0)
    // A declaration that is missing is one mistake, however many variants and axes use the loss.
    |> List.distinctBy (fun problem ->
        match problem.Diagnostic with
        | UndeclaredLoss(loss = loss)
        | NotDeclaredOnPath(loss = loss) when (LossCodec.find loss).IsSome -> Choice1Of2 loss
        | _ -> Choice2Of2 problem)

/// A tree to plan, and the problems found so far. `IsWhole` is false if a file that it extends could not be read.
type private Layered =
    {
        Root: Node
        Problems: Problem list
        IsIntact: bool
        /// Settings that should remove something and removed nothing.
        Idle: SettingChecks.Given list
    }

/// Whether a problem may exist only because a base file could not be read.
let private mayBeInherited (mistake: Diagnostic) =
    match mistake with
    | MissingKey _
    | WrongKind(_, NothingThere)
    | EmptyList("losses" | "variants")
    | NotOneChoice(_, _, [])
    | TeacherWithoutSource
    | NotDeclaredOnPath _
    | CaseNotUsed _
    | PartNotSet _
    | ExcludeUnknownAxis _
    | UnknownVariant _
    | UnknownPath(after = ("losses" | "variants") :: _) -> true
    | UndeclaredLoss(loss = loss) -> (LossCodec.find loss).IsSome
    | _ -> false

/// Plans an experiment.
let private planLayered (settings: SettingChecks.Given list) (layered: Layered) : Result<Plan * Problem list, Problem list> =
    let reader = Reader()
    let distinct = distinct layered.Root.Place.Source (settings |> List.map _.Source)

    /// The problems of the file and of the settings, without settings inside a part that is broken already.
    let problems () =
        let isSeparate (problem: Problem) =
            match problem.Diagnostic with
            | SetBelowValue(path, _) -> not (reader.IsSpoilt path)
            | _ -> true

        let isOwn (problem: Problem) = layered.IsIntact || not (mayBeInherited problem.Diagnostic)
        distinct (List.filter isSeparate layered.Problems @ List.filter isOwn reader.Problems)

    match ExperimentCodec.codec.Read reader [] layered.Root with
    | None -> Error(problems ())
    | Some experiment ->
        let where = PlaceFinder layered.Root

        match Expand.plan reader where experiment with
        | Some(plan, warnings) when layered.Problems.IsEmpty ->
            match SettingChecks.check experiment settings @ SettingChecks.unknown experiment layered.Idle |> List.partition _.IsWarning with
            | overridden, [] -> Ok(plan, distinct (Check.warnings where experiment @ warnings @ overridden))
            | _, problems -> Error(distinct problems)
        | _ -> Error(problems ())

/// Files with names similar to that of a missing file.
let private near (path: string) =
    try
        let folder =
            match Path.GetDirectoryName(Path.GetFullPath path) with
            | null -> "."
            | folder -> folder

        if Directory.Exists folder then
            let names =
                [ for pattern in (if Script.isScript path then [ "*.fsx" ] else [ "*.yaml"; "*.yml" ]) do
                      for file in Directory.EnumerateFiles(folder, pattern) -> nonNull (Path.GetFileName file) ]
                |> List.sort

            // Extensions are ignored, since all files share them.
            let bare (name: string) = nonNull (Path.GetFileNameWithoutExtension name)
            let near = Suggest.near (bare path) (List.map bare names)
            names |> List.filter (fun name -> List.contains (bare name) near) |> List.truncate 3
        else
            []
    with
    | :? IOException
    | :? UnauthorizedAccessException
    | :? ArgumentException -> []

/// Reads a file; `path` is also the name that messages show.
let private readFile (path: string) : Result<Source, Problem> =
    let source = Source(path, "")

    // Line 0: the file as a whole.
    let here = Some { Source = source; Line = 0; Column = 0; Length = 0 }

    try
        match Option.ofObj (InputFile.ReasonNotReadable path) with
        | Some _ when not (Path.Exists path) -> Error(problem (FileNotFound(near path)) here)
        | Some reason -> Error(problem (FileUnreadable reason) here)
        | None ->
            let size = FileInfo(path).Length
            let limit = int64 FileLimits.ExperimentBytes

            if size > limit then
                Error(problem (FileTooLarge(size, limit)) here)
            elif Script.isScript path then
                match Script.run path with
                | Ok text -> Ok(Source($"{path} (as YAML)", text))
                | Error mistake -> Error(problem mistake here)
            else
                Utf8.decode path (InputFile.ReadAll(path, FileLimits.ExperimentBytes))
    with
    | :? IOException as failure -> Error(problem (FileUnreadable failure.Message) here)
    | :? UnauthorizedAccessException -> Error(problem (FileUnreadable "permission denied") here)
    | :? ArgumentException -> Error(problem (FileNotFound []) here)

/// Whether a key without a value is a value of this shape, such as a loss with its defaults.
let rec private acceptsNothing (shape: Shape) =
    match shape with
    | NothingShape
    | AnyShape -> true
    | EitherShape shapes -> List.exists acceptsNothing shapes
    | _ -> false

/// The shape of a key's value. None: there is no such key.
let rec private shapeOf (shape: Shape) (key: string) : Shape option =
    let ofField (fields: FieldShape list) = fields |> List.tryFind (fun field -> field.Key = key) |> Option.map _.Shape

    match shape with
    | RecordShape fields
    | OpenShape(fields, _) -> ofField fields
    | ChoiceShape(cases, beside) ->
        cases
        |> List.tryFind (fun case -> case.Name = key)
        |> Option.map (fun case -> if case.Alone then EitherShape [ case.Inside; NothingShape ] else case.Inside)
        |> Option.orElse (ofField beside)
    | EitherShape shapes -> shapes |> List.tryPick (fun shape -> shapeOf shape key)
    | _ -> None

/// Without keys of a file that remove what it inherits where it inherits nothing, as `--set PATH=null` has no effect there. Unknown keys remain.
let rec private withoutIdleRemovals (source: Source) (shape: Shape) (node: Node) : Node =
    match node.Content with
    | Mapping entries ->
        { node with
            Content =
                Mapping
                    [ for entry in entries do
                          match shapeOf shape entry.Name with
                          | Some inside when Node.isNothing entry.Value && entry.At.Source = source && not (acceptsNothing inside) -> ()
                          | Some inside -> { entry with Value = withoutIdleRemovals source inside entry.Value }
                          | None -> entry ] }
    | _ -> node

/// The longest chain of `extends`.
let private longestChain = 16

/// Merges a file's tree into those that it extends.
let rec private withBase (chain: (string * string) list) (path: string) (own: Layered) : Layered =
    match Node.find [ ExperimentCodec.extends ] own.Root with
    | None -> own
    | Some value ->
        let alone problems = { own with Problems = own.Problems @ problems; IsIntact = false }
        let fail mistake = alone [ problem mistake (Some(if Node.isNothing value then Node.place value else value.Place)) ]

        match value.Content with
        | (Plain text | Quoted text) when not (Node.isNothing value) ->
            let folder = Path.GetDirectoryName path |> Option.ofObj |> Option.defaultValue ""
            let below = Path.Combine(folder, text)
            let chain = (Path.GetFullPath path, path) :: chain

            match chain |> List.tryFindIndex (fun (full, _) -> full = Path.GetFullPath below) with
            | Some index -> fail (ExtendsItself((List.truncate (index + 1) chain |> List.rev |> List.map snd) @ [ below ]))
            | None when chain.Length > longestChain -> fail (ExtendsTooLong longestChain)
            | None when Script.isScript below -> fail (ExtendsScript text)
            | None ->
                match readFile below with
                | Error { Diagnostic = FileNotFound near } -> fail (ExtendsNotFound(text, near))
                | Error other -> alone [ other ]
                | Ok source ->
                    match Yaml.read source with
                    | Error problems -> alone problems
                    | Ok(root, problems) ->
                        let lower = withBase chain below { Root = root; Problems = problems; IsIntact = true; Idle = [] }

                        { own with
                            Root = Merge.extend own.Root lower.Root |> withoutIdleRemovals own.Root.Place.Source ExperimentCodec.codec.Shape
                            Problems = own.Problems @ lower.Problems
                            IsIntact = own.IsIntact && lower.IsIntact }
        | _ -> fail (WrongKind(WantText, Node.kind value))

/// Applies a `--set` value to the tree.
let private withSetting (root: Node) ({ Path = path; Text = text; Source = source }: SettingChecks.Given) : Result<Node, Problem list> =
    let place = { Source = source; Line = 1; Column = 1; Length = max 1 path.Length }

    let set value = Merge.set root place path value |> Result.mapError List.singleton

    match path.Trim(), text.Trim() with
    // `extends` and anchors are resolved before settings are applied.
    | path, _ when path = ExperimentCodec.extends || ExperimentCodec.isAnchorKey path -> Error [ problem (NotSettable path) (Some place) ]
    | "", _
    | _, "" -> Error [ problem SetWithoutValue (Some { place with Length = source.Text.Length }) ]
    | _, ("null" | "~") -> set None
    | _ ->
        match Yaml.readPart source (String(' ', path.Length + 1) + text) with
        | Ok(value, []) -> set (Some { value with Key = Some place })
        | Ok(_, problems) -> Error problems
        | Error [ { Diagnostic = FileEmpty } ] -> Error [ problem SetWithoutValue (Some place) ]
        | Error problems -> Error problems

/// Applies all `--set` values in order and collects their problems.
let private withSettings settings (layered: Layered) : Layered =
    (layered, settings)
    ||> List.fold (fun layered setting ->
        match withSetting layered.Root setting with
        | Ok changed when changed = layered.Root && SettingChecks.isRemoval setting -> { layered with Idle = setting :: layered.Idle }
        | Ok changed -> { layered with Root = changed }
        | Error problems -> { layered with Problems = layered.Problems @ problems })

/// Plans the experiment in a text.
let ofSource (source: Source) (settings: (string * string) list) : Result<Plan * Problem list, Problem list> =
    let settings: SettingChecks.Given list =
        [ for path, text in settings -> { Path = path; Text = text; Source = Source("--set", $"{path}={text}", false, source.Folder) } ]

    Yaml.read source
    |> Result.map (fun (root, problems) ->
        let own = { Root = root; Problems = problems; IsIntact = true; Idle = [] }

        match root.Content with
        | Mapping _ -> own |> withBase [] source.Name |> withSettings settings
        | _ -> own)
    |> Result.bind (planLayered settings)

/// The number of runs above which `--yes` is required.
let manyRuns = 10_000

let private askForMany large (plan: Plan, warnings) =
    if plan.Runs.Length > manyRuns && not large then
        Error [ problem (ManyRuns(plan.Runs.Length, manyRuns)) None ]
    else
        Ok(plan, warnings)

/// Plans the experiment in a file, with `--set PATH=VALUE` settings applied. Ok: the plan and warnings; Error: all problems. `large`
/// (`--yes`): allow more than 10,000 runs.
let load (file: string) (settings: (string * string) list) (large: bool) : Result<Plan * Problem list, Problem list> =
    match readFile file with
    | Error problem -> Error [ problem ]
    | Ok source -> ofSource source settings |> Result.bind (askForMany large)
