module ChannelDistillation.Tests.ScriptTests

open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

let private outcome (script: string) =
    use folder = new TemporaryFolder()
    let file = folder.File "x.fsx"
    File.WriteAllText(file, script)

    match Experiments.load file [] false with
    | Ok _ -> failtest "there is no experiment in it"
    | Error problems -> (Render.text false problems).Replace(file, "x.fsx")

/// The name of the file is of another length in every run, and with it the rule of the header.
let private withoutRule (text: string) = text.Split '\n' |> Array.filter (fun line -> not (line.StartsWith "--")) |> String.concat "\n"

[<Tests>]
let tests =
    testList
        "scripts"
        [ test "a script that does not compile is shown with the compiler's words and no stack trace" {
              Expect.equal
                  (withoutRule (outcome "let x: int = \"six\"\n"))
                  ("I found 1 problem in x.fsx. No run was started.\n\n"
                   + "This script ended with an error:\n"
                   + "x.fsx(1,14): error FS0001: This expression was expected to have type\n"
                   + "    'int'\n"
                   + "but here has type\n"
                   + "    'string'")
                  "whole text"
          }

          test "A script that a YAML file extends is not run, whatever its path looks like" {
              use folder = new TemporaryFolder()
              let trace = folder.File "trace"
              Directory.CreateDirectory(folder.File "inner") |> ignore
              File.WriteAllText(folder.File "evil.fsx", $"System.IO.File.WriteAllText(@\"{trace}\", \"run\")")

              for path in [ "../evil.fsx"; folder.File "evil.fsx"; "../inner/../EVIL.FSX"; "../evil.fsx" ] do
                  let file = folder.File "inner/x.yaml"
                  File.WriteAllText(file, $"extends: {path}\nexperiment: x\n")

                  match Experiments.load file [] false with
                  | Error [ { Diagnostic = ExtendsScript named } ] -> Expect.equal named path "it is named"
                  | Error problems -> failtest (Render.text false problems)
                  | Ok _ -> failtest "it was extended"

              Expect.isFalse (File.Exists trace) "nothing has run"
          }

          test "a misspelt word is answered with the right one" {
              let path (file: string) = Path.Combine(System.AppContext.BaseDirectory, file)
              let dsl, runtime = path "ChannelDistillation.Dsl.dll", path "ChannelDistillation.Runtime.dll"

              let script =
                  $"#r @\"{runtime}\"\n#r @\"{dsl}\"\nopen ChannelDistillation.Dsl.Builders\n"
                  + "experiment \"x\" {\n    student \"resnet8\"\n    varaint \"ce\" [ ce ]\n    variant \"kd\"\n}\n|> emit\n"

              let text = outcome script
              Expect.stringContains text "x.fsx(6,5): error FS0039: The value or constructor 'varaint' is not defined. Maybe you want" "the place"
              Expect.stringContains text "variant" "the right word"
          }

          test "the script that docs/yaml.md shows gives an experiment" {
              let document = File.ReadAllText(Path.Combine(Repository.root, "docs", "yaml.md"))
              let start = document.IndexOf "```fsharp\n" + 10
              let shown = document.Substring(start, document.IndexOf("```", start) - start)
              use folder = new TemporaryFolder()
              let path (file: string) = Path.Combine(System.AppContext.BaseDirectory, file)

              File.WriteAllText(
                  folder.File "dsl.fsx",
                  String.concat "" [ for file in [ "ChannelDistillation.Runtime.dll"; "ChannelDistillation.Dsl.dll" ] -> $"#r @\"{path file}\"\n" ]
              )

              File.WriteAllText(folder.File "x.fsx", shown)

              match Experiments.load (folder.File "x.fsx") [] false with
              | Ok(plan, warnings) ->
                  Expect.isEmpty warnings "warnings"
                  Expect.equal (plan.Rows |> List.map _.Variant) [ "student"; "kd-1"; "kd-4"; "kd-16"; "cd+kd-late" ] "rows"
              | Error problems -> failtest (Render.text false problems)
          }

          test "a script that gives no experiment is told how" {
              Expect.equal
                  (withoutRule (outcome "let x = 6\n"))
                  ("I found 1 problem in x.fsx. No run was started.\n\n"
                   + "This script ran, but gave no experiment.\n"
                   + "Hint: end it with `|> emit`.")
                  "whole text"
          } ]
