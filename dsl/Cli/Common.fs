/// Helpers that several verbs share.
module ChannelDistillation.Cli.Common

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

/// Larger cohorts gain little, because the teacher is then a small part of a step.
let defaultLanes = 16

let root =
    match Environment.GetEnvironmentVariable "CHANNEL_DISTILLATION_ROOT" with
    | null
    | "" -> Environment.CurrentDirectory
    | folder -> folder

let workspace = Workspace root

let openDataset (dataset: DatasetSpec) = DatasetStore.Open(dataset, workspace)

let outOf (given: string option) = given |> Option.map Path.GetFullPath |> Option.defaultValue (Path.Combine(root, "runs"))

/// The path relative to the current directory, if it is below it.
let shown (path: string) =
    let relative = Path.GetRelativePath(Environment.CurrentDirectory, path)
    if relative.StartsWith ".." then path else relative

/// Prints the problems and exits with code 2.
let refuse (problems: Problem list) : 'a =
    Terminal.writeColoured (Render.problems problems)
    ExitCodes.stop ExitCodes.invalid ""

let load (file: string option) (sets: string list) (large: bool) : Plan =
    let file = file |> Option.defaultWith (fun () -> shown (Path.Combine(root, "experiments", "quickstart.yaml")))

    match Experiments.load file (List.map Parsing.assignment sets) large with
    | Ok(plan, warnings) ->
        if not warnings.IsEmpty then
            Terminal.writeColoured (Render.problems warnings + "\n")

        plan
    | Error problems -> refuse problems
