/// Every mistake of the corpus in tests/Errors gives exactly the text beside it. After an intended change, write the texts anew and
/// read the difference:
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

/// `# --set PATH=VALUE` in the first lines of a file stands for the option of the command line.
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

          test "every text belongs to a file" { Expect.equal (named ".txt") names "files" }

          test "the corpus holds at least forty mistakes" { Expect.isGreaterThan names.Length 40 "files" }

          test "a file that is not there is named, with files like it" {
              let text =
                  Repository.inRoot (fun () ->
                      match Experiments.load "experiments/quikstart.yaml" [] false with
                      | Error problems -> Render.text false problems
                      | Ok _ -> "")

              Expect.equal
                  text
                  ("I found 1 problem in experiments/quikstart.yaml. No run was started.\n\n"
                   + "-- NO SUCH FILE ------------------------------------- experiments/quikstart.yaml\n"
                   + "There is no such file.\n"
                   + "Hint: maybe you want `quickstart.yaml`?")
                  "whole text"
          }

          test "a file of 10 MB is refused unread" {
              use folder = new TemporaryFolder()
              let file = Path.Combine(folder.Path, "large.yaml")
              File.WriteAllText(file, String('a', 10_000_000))

              let text =
                  match Experiments.load file [] false with
                  | Error problems -> Render.text false problems
                  | Ok _ -> ""

              Expect.stringContains text "This file has 10,000,000 bytes; no experiment needs more than 1,048,576." "says how large"
          }

          test "of very many problems the first thirty are shown, and how many more there are" {
              let seeds = String.Join(", ", List.replicate 100 "x")
              let shown = Render.text false (Base.problems Base.text [ "seeds", $"[{seeds}]" ])
              let lines = shown.Split '\n'
              Expect.equal lines[0] "I found 100 problems in --set. No run was started." "all are counted"
              Expect.equal (lines |> Array.filter (fun line -> line.StartsWith "-- ")).Length 30 "shown"
              Expect.equal (Array.last lines) "... and 70 more, which I show once some of these are gone." "the rest"
          }

          test "colours are escape sequences around titles, marks and hints" {
              let problems =
                  match Experiments.ofSource (Source("x.yaml", "experiment: [")) [] with
                  | Error problems -> problems
                  | Ok _ -> []

              Expect.stringContains (Render.text true problems) "\027[36m-- OPEN BRACKET" "title"
              Expect.isFalse ((Render.text false problems).Contains '\027') "none in a pipe"
          } ]
