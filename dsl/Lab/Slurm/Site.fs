/// slurm.yaml beside the data: what a site asks of its cluster for every experiment.
module ChannelDistillation.Lab.Slurm.Site

open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

let fileOf (workspace: Workspace) = Path.Combine(workspace.Root, "slurm.yaml")

/// In an experiment the same keys stand below this one.
let private section = "slurm"

let private ofNode (root: Node) (problems: Problem list) : Result<SlurmSettings, Problem list> =
    let reader = Reader()

    let root =
        match root.Content, Node.entry section root with
        | Mapping entries, Some around ->
            reader.Report([ section ], around.At, KeyAroundFile section)
            SlurmCodec.codec.Read reader [ section ] around.Value |> ignore
            { root with Content = Mapping(List.except [ around ] entries) }
        | _ -> root

    match SlurmCodec.codec.Read reader [ section ] root, problems @ reader.Problems with
    | Some settings, [] -> Ok settings
    | _, problems -> Error problems

let private read (file: string) : Result<SlurmSettings, Problem list> =
    match Utf8.decode file (InputFile.ReadAll(file, FileLimits.ExperimentBytes)) with
    | Error problem -> Error [ problem ]
    | Ok source ->
        match Yaml.read source with
        // Also one in which everything is commented out.
        | Error [ { Diagnostic = FileEmpty } ] -> Ok SlurmCodec.empty
        | Error problems -> Error problems
        | Ok(root, problems) -> ofNode root problems

/// What an element must have before its runs save their state.
let private leastSeconds = 60

/// Time limit and `save_seconds` may come from different files.
let private checkTime (settings: SlurmSettings) : Result<SlurmSettings, Problem list> =
    let saveSeconds = defaultArg settings.SaveSeconds SlurmCodec.standardSaveSeconds
    let needed = saveSeconds + leastSeconds

    match settings.Time, settings.Time |> Option.map SlurmTime.tryParse with
    | Some time, Some(Ok seconds) when seconds <= int64 needed ->
        Error [ { Diagnostic = TimeTooShort(time, saveSeconds, needed / 60 + 1); Place = None } ]
    | _ -> Ok settings

/// What an experiment asks for over what the site does; or what is wrong with the site's file, or with both together.
let settings (workspace: Workspace) (experiment: Experiment) : Result<SlurmSettings, Problem list> =
    let file = fileOf workspace
    let site = if File.Exists file then read file else Ok SlurmCodec.empty
    let own = experiment.Slurm |> Option.defaultValue SlurmCodec.empty

    site |> Result.map (fun site -> SlurmCodec.merged site own) |> Result.bind checkTime
