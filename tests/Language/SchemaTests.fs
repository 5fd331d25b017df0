/// The committed schema and reference. After an intended change of the language, write them anew:
///
///     UPDATE_EXPECTED=1 dotnet run -c Release --project tests -- --filter schema
module ChannelDistillation.Tests.SchemaTests

open System
open System.IO
open Expecto
open NJsonSchema
open ChannelDistillation.Dsl

let private file = Path.Combine(Repository.root, "dsl", "experiment.schema.json")
let private reference = Path.Combine(Repository.root, "docs", "yaml.md")
let private update = Environment.GetEnvironmentVariable "UPDATE_EXPECTED" = "1"

let private schema = lazy ((JsonSchema.FromJsonAsync(Schema.document ())).GetAwaiter().GetResult())

/// What the schema has against a text; nothing where it is no YAML.
let private complaints (text: string) : int option = YamlJson.ofText text |> Option.map (fun json -> schema.Value.Validate(json).Count)

let private corpus =
    [ for file in Directory.EnumerateFiles(ErrorTests.folder, "*.yaml") do
          if not ((Path.GetFileName file).StartsWith "not-utf8") then
              let name = Path.GetFileNameWithoutExtension file
              name, File.ReadAllText file ]

/// Mistakes that a schema cannot tell: names that must agree, numbers that must rise, grids, options of the command line.
let private beyondSchema =
    [ "axis-"
      "boundaries-"
      "dataset-"
      "dense-range"
      "everything-excluded"
      "exclude-"
      "backward-range"
      "extends-"
      "features-"
      "folder-"
      "fractions-"
      "huge-grid"
      "include-on"
      "log-range"
      "long-name"
      "range-finer-than"
      "range-without-count"
      "loss-twice"
      "merge-of"
      "name-with"
      "no-teacher"
      "overlapping"
      "set-"
      "stem-that"
      "teacher-with"
      "undeclared-loss"
      "uneven-zip"
      "variant-called"
      "variant-name"
      "warning-"
      "right-" ]

/// The part of the reference that is made.
let private between (text: string) =
    let first, last = "<!-- made by the tests from here -->\n", "<!-- to here -->"
    let start = text.IndexOf first + first.Length
    start, text.IndexOf last

[<Tests>]
let tests =
    testList
        "schema"
        [ test "the committed schema is the one that the language makes" {
              if update then
                  File.WriteAllText(file, Schema.document ())

              Expect.equal (File.ReadAllText file) (Schema.document ()) "dsl/experiment.schema.json"
          }

          test "the committed reference is the one that the language makes" {
              let text = File.ReadAllText reference
              let start, finish = between text
              let made = "\n" + Reference.keys () + "\n"

              if update then
                  File.WriteAllText(reference, text.Substring(0, start) + made + text.Substring finish)
              else
                  Expect.equal (text.Substring(start, finish - start)) made "docs/yaml.md"
          }

          for document in [ "README.md"; "docs/yaml.md" ] do
              test $"the experiments that {document} shows can be planned" {
                  let text = File.ReadAllText(Path.Combine(Repository.root, document))

                  let shown =
                      [ for block in text.Split("```yaml\n") |> Array.skip 1 do
                            let block = block.Substring(0, block.IndexOf "```")

                            if block.StartsWith "experiment:" then
                                block ]

                  Expect.isNonEmpty shown "experiments"

                  for block in shown do
                      match Experiments.ofSource (Source(document, block)) [] with
                      | Ok(_, warnings) -> Expect.isEmpty warnings (Render.text false warnings)
                      | Error problems -> failtest (Render.text false problems)
              }

          for name in ShippedTests.names do
              test $"{name}.yaml is valid by the schema" {
                  let text = File.ReadAllText(Path.Combine(Repository.root, "experiments", name + ".yaml"))
                  Expect.equal (complaints text) (Some 0) "no complaint"
              }

          for name, text in corpus do
              if name.StartsWith "right-" || name.StartsWith "warning-" then
                  test $"the schema accepts {name}" { Expect.equal (complaints text) (Some 0) "no complaint" }
              elif not (beyondSchema |> List.exists (fun start -> name.StartsWith start)) then
                  test $"the schema refuses {name}" { Expect.notEqual (complaints text) (Some 0) "a complaint, or no YAML" } ]
