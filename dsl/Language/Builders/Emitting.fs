namespace ChannelDistillation.Dsl.Builders

open System
open System.IO
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning

/// From a script to whoever runs it.
[<AutoOpen>]
module Emitting =
    let rec private without (path: string list) (setting: Setting) =
        match path, setting with
        | [ key ], Entries entries -> Entries(entries |> List.filter (fun (name, _) -> name <> key))
        | key :: rest, Entries entries -> Entries [ for name, value in entries -> name, (if name = key then without rest value else value) ]
        | _ -> setting

    /// An experiment as the YAML file that says the same; what the script left out is not in it, and missed by whoever reads it.
    let yaml (described: Described) =
        (ExperimentCodec.codec.Write described.Experiment, described.Unsaid)
        ||> List.fold (fun setting path -> without path setting)
        |> Emit.document

    /// Hands an experiment over to `sweep` or `plan`, whichever runs the script; a script that is run by itself prints its YAML.
    let emit (described: Described) =
        match Environment.GetEnvironmentVariable Script.handOver with
        | null
        | "" -> printf "%s" (yaml described)
        | file -> File.WriteAllText(file, yaml described)
