/// From a file to a plan.
module ChannelDistillation.Dsl.Experiments

open System
open System.IO

let private problem mistake place : Problem = { Mistake = mistake; Place = place }

/// One message for one spot: what else is found there follows from the first.
let private distinct (problems: Problem list) =
    problems
    |> List.distinctBy (fun problem ->
        match problem.Place with
        | Some place -> Choice1Of2(place.Source.Name, place.Line, place.Column, place.Length)
        | None -> Choice2Of2 problem.Mistake)
    |> List.sortBy (fun problem ->
        match problem.Place with
        | Some place -> place.Line, place.Column
        | None -> 0, 0)

/// Plans an experiment from its node tree.
let private planNode (root: Node) : Result<Plan * Problem list, Problem list> =
    let reader = Reader()

    match ExperimentCodec.codec.Read reader [] root with
    | None -> Error reader.Problems
    | Some experiment ->
        let where = Where root
        Check.stems reader where experiment
        Check.teacherless reader where experiment
        Check.pairs reader where experiment

        if reader.Problems.IsEmpty then
            match Expand.plan reader where experiment with
            | Some(plan, warnings) -> Ok(plan, distinct (Check.warnings where experiment @ warnings))
            | None -> Error(distinct reader.Problems)
        else
            Error(distinct reader.Problems)

/// Files beside one that is not there, with names like it.
let private near (path: string) =
    try
        let folder =
            match Path.GetDirectoryName(Path.GetFullPath path) with
            | null -> "."
            | folder -> folder

        if Directory.Exists folder then
            let names =
                [ for pattern in [ "*.yaml"; "*.yml"; "*.fsx" ] do
                      for file in Directory.EnumerateFiles(folder, pattern) -> nonNull (Path.GetFileName file) ]
                |> List.sort

            Suggest.near (nonNull (Path.GetFileName path)) names
        else
            []
    with
    | :? IOException
    | :? UnauthorizedAccessException
    | :? ArgumentException -> []

/// A file's text; the name is what the user knows it by.
let private readFile (path: string) : Result<Source, Problem> =
    let source = Source(path, "")

    let here =
        Some
            { Source = source
              Line = 1
              Column = 1
              Length = 0 }

    try
        if Directory.Exists path then
            Error(problem (FileUnreadable "it is a folder") here)
        elif not (File.Exists path) then
            Error(problem (FileNotFound(near path)) here)
        else
            let size = FileInfo(path).Length

            if size > Yaml.sizeLimit then
                Error(problem (FileTooLarge(size, Yaml.sizeLimit)) here)
            else
                Yaml.decode path (File.ReadAllBytes path)
    with
    | :? IOException as failure -> Error(problem (FileUnreadable failure.Message) here)
    | :? UnauthorizedAccessException -> Error(problem (FileUnreadable "I am not allowed to read it") here)
    | :? ArgumentException -> Error(problem (FileNotFound []) here)

/// Plans the experiment of a text.
let ofSource (source: Source) (settings: (string * string) list) : Result<Plan * Problem list, Problem list> =
    Yaml.parse source |> Result.bind planNode

/// More runs than are likely to be meant.
let manyRuns = 10_000

let private askForMany large (plan: Plan, warnings) =
    if plan.Runs.Length > manyRuns && not large then
        Error [ problem (ManyRuns(plan.Runs.Length, manyRuns)) None ]
    else
        Ok(plan, warnings)

/// Plans the experiment of a file, with settings of the command line (`--set PATH=VALUE`) in place of the file's own. Gives the plan
/// and warnings, or every problem. `large` (`--yes`): more than 10,000 runs are meant.
let load (file: string) (settings: (string * string) list) (large: bool) : Result<Plan * Problem list, Problem list> =
    match readFile file with
    | Error problem -> Error [ problem ]
    | Ok source -> ofSource source settings |> Result.bind (askForMany large)
