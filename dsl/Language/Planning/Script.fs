/// Runs F# scripts to get their experiment as YAML.
module ChannelDistillation.Dsl.Planning.Script

open System
open System.Diagnostics
open System.IO
open ChannelDistillation.Dsl

/// The environment variable with the path of the file that a script writes its experiment to.
let handOver = "CHANNEL_DISTILLATION_EXPERIMENT"

let isScript (path: string) = path.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)

/// The `dotnet` that runs this process, or else the one on the PATH.
let private dotnet =
    match Environment.ProcessPath with
    | null -> "dotnet"
    | path when Path.GetFileNameWithoutExtension path = "dotnet" -> path
    | _ -> "dotnet"

/// The lines of the compiler's and script's output that help their author: no stack trace, at most 20.
let private essence (output: string) =
    output.Split '\n'
    |> Array.map _.TrimEnd()
    |> Array.filter (fun line -> line <> "" && not (line.StartsWith "   at "))
    |> Array.truncate 20
    |> Array.toList

/// Runs a script. Ok: the YAML of its experiment; Error: its output, or that it returned no experiment.
let run (path: string) : Result<string, Diagnostic> =
    let file = Path.GetTempFileName()

    try
        let start =
            ProcessStartInfo(dotnet, [ "fsi"; "--quiet"; "--nologo"; path ], RedirectStandardOutput = true, RedirectStandardError = true)

        start.Environment[handOver] <- file
        use script = nonNull (Process.Start start)
        // Both pipes are read at the same time, because a full one would block the script.
        let errors = script.StandardError.ReadToEndAsync()
        let output = script.StandardOutput.ReadToEndAsync()
        script.WaitForExit()

        match script.ExitCode, File.ReadAllText file with
        | 0, "" -> Error ScriptWithoutExperiment
        | 0, text -> Ok text
        | _ -> Error(ScriptFailed(essence (errors.Result + "\n" + output.Result)))
    finally
        File.Delete file
