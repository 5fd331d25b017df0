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

/// Removes the header lines, whose length depends on the name of the temporary file.
let private withoutHeader (text: string) = text.Split '\n' |> Array.filter (fun line -> not (line.StartsWith "--")) |> String.concat "\n"

[<Tests>]
let tests =
    testList
        "scripts"
        [ test "A script that does not compile is reported with the compiler's message and no stack trace" {
              Expect.equal
                  (withoutHeader (outcome "let x: int = \"six\"\n"))
                  ("1 problem in x.fsx. No run was started.\n\n"
                   + "The script ended with an error:\n"
                   + "x.fsx(1,14): error FS0001: This expression was expected to have type\n"
                   + "    'int'\n"
                   + "but here has type\n"
                   + "    'string'")
                  "whole text"
          }

          test "A script in `extends` is never run, whatever its path" {
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

          test "For a misspelt word in a script, the compiler suggests the right one" {
              let path (file: string) = Path.Combine(System.AppContext.BaseDirectory, file)
              let dsl, runtime = path "ChannelDistillation.Dsl.dll", path "ChannelDistillation.Runtime.dll"

              let script =
                  $"#r @\"{runtime}\"\n#r @\"{dsl}\"\nopen ChannelDistillation.Dsl.Builders\n"
                  + "experiment \"x\" {\n    student \"resnet8\"\n    varaint \"ce\" [ ce ]\n    variant \"kd\"\n}\n|> emit\n"

              let text = outcome script
              Expect.stringContains text "x.fsx(6,5): error FS0039: The value or constructor 'varaint' is not defined. Maybe you want" "the place"
              Expect.stringContains text "variant" "the right word"
          }

          test "The script in docs/yaml.md can be planned" {
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

          test "A script without an experiment is reported with the missing line" {
              Expect.equal
                  (withoutHeader (outcome "let x = 6\n"))
                  ("1 problem in x.fsx. No run was started.\n\n"
                   + "The script ran but returned no experiment.\n"
                   + "Hint: end it with `|> emit`.")
                  "whole text"
          } ]
