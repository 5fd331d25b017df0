/// plan.json, read back from a folder that may come from anybody.
module ChannelDistillation.Tests.Lab.Tables.PlanReaderTests

open System
open System.IO
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Tables.TableTests

[<Tests>]
let tests =
    testList
        "plan.json"
        [ test "plan.json gives back the layout that it was written from" {
              use folder = new TemporaryFolder()
              let uncounted = { layout.Rows.Head with Cost = Some { Parameters = 1L; MultiplyAdds = None } }

              for layout in [ layout; { layout with Rows = [ uncounted ] } ] do
                  File.WriteAllText(folder.File "plan.json", PlanFile.render layout [])
                  Expect.equal (PlanReader.read folder.Path) (Some layout) "layout"
          }

          test "A folder without plan.json is none of an experiment" {
              use folder = new TemporaryFolder()
              Expect.equal (PlanReader.tryRead folder.Path) (Ok None) "no file"
          }

          for damage, reason in
              [ "nonsense", "it is not JSON"
                "[]", "`experiment` has [] where an object belongs"
                "{\"experiment\": 3}", "`experiment` has 3 where a text belongs"
                "{\"experiment\": \"\\ud800\"}", "it is not JSON"
                "{}", "`epochs` is not there"
                "{\"epochs\": [1], \"seeds\": [1.5]}", "`seeds` has 1.5 where a whole number belongs"
                "{\"epochs\": [1e99]}", "`epochs` has 1e99 where a whole number belongs"
                "{\"epochs\": {\"a\": \"" + String('x', 50) + "\"}}", "`epochs` has {\"a\": \"" + String('x', 30) + "... where a list belongs"
                "{\"epochs\": [], \"seeds\": [], \"held_out\": [], \"teachers\": [], \"runs\": [{\"folder\": \"../x\", \"hash\": \"1\"}]}",
                "`folder` has \"../x\" where the name of a folder belongs" ] do
              test $"A plan.json is damaged, and the message says how: {damage}" {
                  use folder = new TemporaryFolder()
                  File.WriteAllText(folder.File "plan.json", damage)

                  Expect.equal
                      (PlanReader.tryRead folder.Path |> Result.mapError (fun text -> text.Replace(folder.Path + "/", "")))
                      (Error $"plan.json is damaged: {reason}.")
                      "said"

                  Expect.isNone (PlanReader.read folder.Path) "to a sweep it is not there"
              } ]
