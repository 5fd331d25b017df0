/// `schema`: prints the JSON Schema of experiment files.
module ChannelDistillation.Cli.SchemaVerb

open System.IO
open Argu
open ChannelDistillation.Dsl.Schema
open ChannelDistillation.Cli

type SchemaArguments =
    | [<Unique>] Out of file: string

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Out _ -> "the output file; default: standard output"

let run (arguments: string list) =
    match Parsing.parse<SchemaArguments> "schema" arguments with
    | None -> 0
    | Some parsed ->
        match parsed.TryGetResult Out with
        | Some file -> File.WriteAllText(file, Schema.document ())
        | None -> printf "%s" (Schema.document ())

        0
