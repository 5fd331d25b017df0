/// Every file of the corpus in tests/Errors gives exactly the text beside it. After an intended change, regenerate the texts and read the
/// difference:
///
///     UPDATE_EXPECTED=1 dotnet run -c Release --project tests -- --filter errors
module ChannelDistillation.Tests.ErrorTests

open System
open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

let folder = Path.Combine(Repository.root, "tests", "Errors")

/// The `--set` options of a file, which it gives in comments: `# --set PATH=VALUE`.
let private settings (file: string) =
    [ for line in File.ReadLines file do
          if line.StartsWith "# --set " then
              let setting = line.Substring 8
              let equals = setting.IndexOf '='
              setting.Substring(0, equals), setting.Substring(equals + 1) ]

let private outcome (name: string) =
    Repository.inRoot (fun () ->
        let file = $"tests/Errors/{name}.yaml"

        match Experiments.load file (settings file) false with
        | Ok(plan, []) -> $"{plan.Runs.Length} runs, no problem."
        | Ok(plan, warnings) -> $"{plan.Runs.Length} runs.\n\n{Render.text false warnings}"
        | Error problems -> Render.text false problems)

let private check (name: string) = test name { Expected.check (Path.Combine(folder, name + ".txt")) (outcome name + "\n") }

let private named (ending: string) =
    [ for file in Directory.EnumerateFiles(folder, "*" + ending) -> nonNull (Path.GetFileNameWithoutExtension file) ]
    |> List.sort

let private names = named ".yaml"

[<Tests>]
let tests =
    testList
        "errors"
        [ testSequenced (testList "corpus" (List.map check names))

          test "Every text belongs to a file" { Expect.equal (named ".txt") names "files" }

          test "The corpus has at least forty files" { Expect.isGreaterThan names.Length 40 "files" }

          test "For a missing file, similar names are suggested" {
              let text =
                  Repository.inRoot (fun () ->
                      match Experiments.load "experiments/quikstart.yaml" [] false with
                      | Error problems -> Render.text false problems
                      | Ok _ -> "")

              Expect.equal
                  text
                  ("1 problem in experiments/quikstart.yaml. No run was started.\n\n"
                   + "-- FILE NOT FOUND ----------------------------------- experiments/quikstart.yaml\n"
                   + "This file does not exist.\n"
                   + "Hint: did you mean `quickstart.yaml`?")
                  "whole text"
          }

          test "A file of 10 MB is rejected without being read" {
              use folder = new TemporaryFolder()
              let file = Path.Combine(folder.Path, "large.yaml")
              File.WriteAllText(file, String('a', 10_000_000))

              let text =
                  match Experiments.load file [] false with
                  | Error problems -> Render.text false problems
                  | Ok _ -> ""

              Expect.stringContains text "This file has 10,000,000 bytes; the limit is 1,048,576." "size and limit"
          }

          test "Only the first thirty problems are shown, with the number of the others" {
              let seeds = String.Join(", ", List.replicate 100 "x")
              let shown = Render.text false (Base.problems Base.text [ "seeds", $"[{seeds}]" ])
              let lines = shown.Split '\n'
              Expect.equal lines[0] "100 problems in --set. No run was started." "all are counted"
              Expect.equal (lines |> Array.filter (fun line -> line.StartsWith "-- ")).Length 30 "shown"
              Expect.equal (Array.last lines) "... and 70 more. Fix some of these to see them." "the rest"
          }

          test "Colours are escape sequences around titles, marks and hints" {
              let problems =
                  match Experiments.ofSource (Source("x.yaml", "experiment: [")) [] with
                  | Error problems -> problems
                  | Ok _ -> []

              Expect.stringContains (Render.text true problems) "\027[36m-- UNCLOSED BRACKET" "title"
              Expect.isFalse ((Render.text false problems).Contains '\027') "none in a pipe"
          } ]
