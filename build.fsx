// The entry point of the project: `dotnet fsi build.fsx` lists the commands.
// An up-to-date program starts at once; everything else takes a second longer (docs/decisions/0001-one-entry.md).
#load "dsl/Cli/Verbs.fs"
#load ".build/Programs.fsx"
#load ".build/Stamps.fsx"

open ChannelDistillation.Cli
open Programs
open Stamps

match List.ofArray fsi.CommandLineArgs |> List.tail with
| verb :: arguments when List.exists (fun (known, _, _) -> known = verb) Verbs.all && isUpToDate cli (backendOf (backendFor arguments)) ->
    become (at cli.Program :: verb :: arguments)
| arguments -> become ("fsi" :: at ".build/Main.fsx" :: arguments)
|> exit
