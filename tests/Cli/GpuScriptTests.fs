/// bench/gpu.sh, as far as it runs without a GPU; bench/rehearse-gpu.sh tries the rest.
module ChannelDistillation.Tests.Cli.GpuScriptTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open ChannelDistillation.Tests

let private script = Path.Combine(Repository.root, "bench/gpu.sh")
let private run (arguments: string list) = ChildProcess.Run("bash", script :: arguments)

let private onLinux name body =
    test name {
        if not (OperatingSystem.IsLinux()) then
            skiptest "the script is for Linux"

        body ()
    }

[<Tests>]
let tests =
    testList
        "the script for a GPU machine"
        [ onLinux "The list of its stages has a limit and a command for each, and docs/gpu.md describes them" (fun () ->
              let code, output, _ = run [ "--list" ]
              Expect.equal code 0 "exit code"
              let lines = output.Trim().Split '\n'
              let names = [ for line in lines -> (line.Split ' ')[0] ]
              let text = File.ReadAllText script

              for line in lines do
                  Expect.isTrue (Regex.IsMatch(line, @"^[a-z-]+ [1-9][0-9]* \S.+$")) line

              for name in names do
                  Expect.stringContains text $"\ndo_{name}() {{" "its command"

              let documented =
                  let stages = (File.ReadAllText(Path.Combine(Repository.root, "docs/gpu.md")).Split "| stage | shows |").[1]

                  [ for row in (stages.Split "\n\n").[0].Split('\n') do
                        yield!
                            [ for name in Regex.Matches((row.Split '|' |> Array.tryItem 1 |> Option.defaultValue ""), "`([a-z-]+)`") ->
                                  name.Groups[1].Value ] ]

              Expect.equal documented names "in the documentation")

          onLinux "An unknown stage is refused, and nothing is started" (fun () ->
              use folder = new TemporaryFolder()

              Expect.equal
                  (run [ "--out"; folder.File "results"; "step" ])
                  (2, "", "Unknown stage `step`. bench/gpu.sh --list lists them.\n")
                  "exit code, output and error"

              Expect.isFalse (Directory.Exists(folder.File "results")) "no results") ]
