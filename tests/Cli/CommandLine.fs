/// Runs the program to its end; standard output and standard error are one text.
module ChannelDistillation.Tests.Cli.CommandLine

open Expecto
open ChannelDistillation.Tests

let private together (code: int, output: string, errors: string) = code, output + errors

/// Runs the program in a folder. Returns the exit code and all output.
let run (folder: string) (arguments: string list) = Running.run folder arguments |> together

/// Runs the command through build.fsx.
let throughScript (arguments: string list) = ChildProcess.Run("dotnet", "fsi" :: "build.fsx" :: arguments, Repository.root) |> together

/// The same with a separate temporary directory.
let throughScriptIn (temporary: string) (arguments: string list) =
    ChildProcess.Run("dotnet", "fsi" :: "build.fsx" :: arguments, Repository.root, [ "TMPDIR", temporary; "DOTNET_EnableDiagnostics", "0" ])
    |> together

let refused code (parts: string list) (actualCode, text: string) =
    Expect.equal actualCode code text

    for part in parts do
        Expect.stringContains text part "message"

    Expect.isFalse (text.Contains "   at ChannelDistillation" || text.Contains "Unhandled exception") $"no stack trace:\n{text}"

let inNowhere arguments =
    use folder = new TemporaryFolder()
    run folder.Path arguments
