/// slurm.yaml beside the data: what a site asks of its cluster for every experiment.
module ChannelDistillation.Dsl.Slurm.Site

open System.IO
open ChannelDistillation
open ChannelDistillation.Dsl

let fileOf (workspace: Workspace) = Path.Combine(workspace.Root, "slurm.yaml")

let private read (file: string) : Result<SlurmSettings, Problem list> =
    match Utf8.decode file (File.ReadAllBytes file) with
    | Error problem -> Error [ problem ]
    | Ok source ->
        match Yaml.read source with
        | Error problems -> Error problems
        | Ok(root, problems) ->
            let reader = Reader()

            match SlurmCodec.codec.Read reader [ "slurm" ] root, problems @ reader.Problems with
            | Some settings, [] -> Ok settings
            | _, problems -> Error problems

/// What an experiment asks for over what the site does; or what is wrong with the site's file.
let settings (workspace: Workspace) (experiment: Experiment) : Result<SlurmSettings, Problem list> =
    let own = experiment.Slurm |> Option.defaultValue SlurmCodec.empty
    let file = fileOf workspace

    if File.Exists file then
        read file |> Result.map (fun site -> SlurmCodec.over site own)
    else
        Ok own
