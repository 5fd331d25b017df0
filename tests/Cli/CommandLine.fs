/// The real program, run to its end.
module ChannelDistillation.Tests.Cli.CommandLine

open System.Diagnostics
open System.IO
open Expecto
open ChannelDistillation.Tests

let private program = Path.Combine(Repository.root, "dsl/Cli/bin/Release/net10.0/channel-distillation.dll")

let private startWith (environment: (string * string) list) (folder: string) (arguments: string list) =
    let start =
        ProcessStartInfo("dotnet", arguments, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true)

    for name, value in ("CHANNEL_DISTILLATION_ROOT", Repository.root) :: environment do
        start.Environment[name] <- value

    use started = Process.Start start
    let errors = started.StandardError.ReadToEndAsync()
    let output = started.StandardOutput.ReadToEnd()
    started.WaitForExit()
    started.ExitCode, output + errors.Result

let private start = startWith []

/// Runs the real program in a folder; its exit code and everything that it wrote.
let run (folder: string) (arguments: string list) = start folder (program :: arguments)

/// Runs the command that a person types.
let throughScript (arguments: string list) = start Repository.root ("fsi" :: "build.fsx" :: arguments)

/// The same with a temporary directory of its own.
let throughScriptIn (temporary: string) (arguments: string list) =
    startWith [ "TMPDIR", temporary; "DOTNET_EnableDiagnostics", "0" ] Repository.root ("fsi" :: "build.fsx" :: arguments)

let refused code (parts: string list) (actualCode, text: string) =
    Expect.equal actualCode code text

    for part in parts do
        Expect.stringContains text part "what is said"

    Expect.isFalse (text.Contains "   at ChannelDistillation" || text.Contains "Unhandled exception") $"no stack trace:\n{text}"

let inNowhere arguments =
    use folder = new TemporaryFolder()
    run folder.Path arguments
