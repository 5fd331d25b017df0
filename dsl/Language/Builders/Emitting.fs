namespace ChannelDistillation.Dsl.Builders

open System
open System.IO
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning

/// Hands a script's experiment to the program that runs the script.
[<AutoOpen>]
module Emitting =
    let rec private without (path: string list) (setting: Setting) =
        match path, setting with
        | [ key ], Entries entries -> Entries(entries |> List.filter (fun (name, _) -> name <> key))
        | key :: rest, Entries entries -> Entries [ for name, value in entries -> name, (if name = key then without rest value else value) ]
        | _ -> setting

    /// An experiment as equivalent YAML. Required keys that the script did not set are missing in it, and reported when it is read.
    let yaml (described: Described) =
        (ExperimentCodec.codec.Write described.Experiment, described.MissingKeys)
        ||> List.fold (fun setting path -> without path setting)
        |> Emit.document

    /// Hands an experiment to `sweep` or `plan`. With `dotnet fsi SCRIPT`, prints its YAML.
    let emit (described: Described) =
        match Environment.GetEnvironmentVariable Script.handOver with
        | null
        | "" -> printf "%s" (yaml described)
        | file -> File.WriteAllText(file, yaml described)
