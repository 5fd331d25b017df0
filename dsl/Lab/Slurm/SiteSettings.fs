/// slurm.yaml in the project's folder: a site's default Slurm settings for all experiments.
module ChannelDistillation.Lab.Slurm.SiteSettings

open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

let fileOf (workspace: Workspace) = Path.Combine(workspace.Root, "slurm.yaml")

/// The section of an experiment that has the same keys.
let private section = "slurm"

let private ofNode (root: Node) (problems: Problem list) : Result<SlurmSettings, Problem list> =
    let reader = Reader()

    let root =
        match root.Content, Node.entry section root with
        | Mapping entries, Some around ->
            reader.Report([ section ], around.At, SectionKeyInSectionFile section)
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
        // Also a file in which everything is commented out.
        | Error [ { Diagnostic = FileEmpty } ] -> Ok SlurmCodec.empty
        | Error problems -> Error problems
        | Ok(root, problems) -> ofNode root problems

/// Seconds that an element must be able to train before its runs save their state.
let private leastSeconds = 60

/// Checks the time limit and `save_seconds` together, because they can come from different files.
let private checkTime (settings: SlurmSettings) : Result<SlurmSettings, Problem list> =
    let saveSeconds = defaultArg settings.SaveSeconds SlurmCodec.standardSaveSeconds
    let needed = saveSeconds + leastSeconds

    match settings.Time, settings.Time |> Option.map SlurmTime.tryParse with
    | Some time, Some(Ok seconds) when seconds <= int64 needed ->
        Error [ { Diagnostic = TimeTooShort(time, saveSeconds, needed / 60 + 1); Place = None } ]
    | _ -> Ok settings

/// The settings of an experiment merged over those of the site, or the problems of the site's file or of both together.
let settings (workspace: Workspace) (experiment: Experiment) : Result<SlurmSettings, Problem list> =
    let file = fileOf workspace
    let site = if File.Exists file then read file else Ok SlurmCodec.empty
    let own = experiment.Slurm |> Option.defaultValue SlurmCodec.empty

    site |> Result.map (fun site -> SlurmCodec.merged site own) |> Result.bind checkTime
