/// Experiments that are F# scripts: run to get the YAML that they stand for.
module ChannelDistillation.Dsl.Planning.Script

open System
open System.Diagnostics
open System.IO
open ChannelDistillation.Dsl

/// The environment variable that names the file a script writes its experiment to.
let handOver = "CHANNEL_DISTILLATION_EXPERIMENT"

let isScript (path: string) = path.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)

/// The program that runs this one, where that is `dotnet`, so that scripts need nothing else on the machine.
let private dotnet =
    match Environment.ProcessPath with
    | null -> "dotnet"
    | path when Path.GetFileNameWithoutExtension path = "dotnet" -> path
    | _ -> "dotnet"

/// Lines of compiler and script that are of use to their author.
let private essence (output: string) =
    output.Split '\n'
    |> Array.map _.TrimEnd()
    |> Array.filter (fun line -> line <> "" && not (line.StartsWith "   at "))
    |> Array.truncate 20
    |> Array.toList

/// The YAML of a script's experiment, or what it said when it failed.
let run (path: string) : Result<string, Diagnostic> =
    let file = Path.GetTempFileName()

    try
        let start =
            ProcessStartInfo(dotnet, [ "fsi"; "--quiet"; "--nologo"; path ], RedirectStandardOutput = true, RedirectStandardError = true)

        start.Environment[handOver] <- file
        use script = nonNull (Process.Start start)
        // Both ends are read at once: a full pipe would stop the script.
        let errors = script.StandardError.ReadToEndAsync()
        let output = script.StandardOutput.ReadToEndAsync()
        script.WaitForExit()

        match script.ExitCode, File.ReadAllText file with
        | 0, "" -> Error ScriptSaysNothing
        | 0, text -> Ok text
        | _ -> Error(ScriptFails(essence (errors.Result + "\n" + output.Result)))
    finally
        File.Delete file
