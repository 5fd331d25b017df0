/// The program, run to its end; what it writes to standard output and to standard error as one text.
module ChannelDistillation.Tests.Cli.CommandLine

open Expecto
open ChannelDistillation.Tests

let private together (code: int, output: string, errors: string) = code, output + errors

/// Runs the program in a folder; its exit code and everything that it wrote.
let run (folder: string) (arguments: string list) = Running.run folder arguments |> together

/// Runs the command that a person types.
let throughScript (arguments: string list) = ChildProcess.Run("dotnet", "fsi" :: "build.fsx" :: arguments, Repository.root) |> together

/// The same with a temporary directory of its own.
let throughScriptIn (temporary: string) (arguments: string list) =
    ChildProcess.Run("dotnet", "fsi" :: "build.fsx" :: arguments, Repository.root, [ "TMPDIR", temporary; "DOTNET_EnableDiagnostics", "0" ])
    |> together

let refused code (parts: string list) (actualCode, text: string) =
    Expect.equal actualCode code text

    for part in parts do
        Expect.stringContains text part "what is said"

    Expect.isFalse (text.Contains "   at ChannelDistillation" || text.Contains "Unhandled exception") $"no stack trace:\n{text}"

let inNowhere arguments =
    use folder = new TemporaryFolder()
    run folder.Path arguments
