/// plan.json, read from an untrusted folder.
module ChannelDistillation.Tests.Lab.Tables.PlanReaderTests

open System
open System.IO
open Expecto
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Tables.TableTests

[<Tests>]
let tests =
    testList
        "plan.json"
        [ test "Reading plan.json returns the layout that was written" {
              use folder = new TemporaryFolder()
              let uncounted = { layout.Rows.Head with Cost = Some { Parameters = 1L; MultiplyAdds = None } }

              for layout in [ layout; { layout with Rows = [ uncounted ] } ] do
                  File.WriteAllText(folder.File "plan.json", PlanFile.render layout [])
                  Expect.equal (PlanReader.read folder.Path) (Some layout) "layout"
          }

          test "A folder without plan.json has no layout" {
              use folder = new TemporaryFolder()
              Expect.equal (PlanReader.tryRead folder.Path) (Ok None) "no file"
          }

          for damage, reason in
              [ "nonsense", "it is not valid JSON"
                "[]", "`experiment` is [], but must be an object"
                "{\"experiment\": 3}", "`experiment` is 3, but must be a string"
                "{\"experiment\": \"\\ud800\"}", "it is not valid JSON"
                "{}", "`epochs` is missing"
                "{\"epochs\": [1], \"seeds\": [1.5]}", "`seeds` is 1.5, but must be an integer"
                "{\"epochs\": [1e99]}", "`epochs` is 1e99, but must be an integer"
                "{\"epochs\": {\"a\": \"" + String('x', 50) + "\"}}", "`epochs` is {\"a\": \"" + String('x', 30) + "..., but must be a list"
                "{\"epochs\": [], \"seeds\": [], \"held_out\": [], \"teachers\": [], \"runs\": [{\"folder\": \"../x\", \"hash\": \"1\"}]}",
                "`folder` is \"../x\", but must be the name of a folder" ] do
              test $"A damaged plan.json is reported with the damage: {damage}" {
                  use folder = new TemporaryFolder()
                  File.WriteAllText(folder.File "plan.json", damage)

                  Expect.equal
                      (PlanReader.tryRead folder.Path |> Result.mapError (fun text -> text.Replace(folder.Path + "/", "")))
                      (Error $"plan.json is damaged: {reason}.")
                      "message"

                  Expect.isNone (PlanReader.read folder.Path) "a sweep ignores it"
              } ]
