/// The committed schema and reference. After an intended change, regenerate them:
///
///     UPDATE_EXPECTED=1 dotnet run -c Release --project tests -- --filter schema
module ChannelDistillation.Tests.SchemaTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open NJsonSchema
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Schema
open ChannelDistillation.Dsl.Planning

let private file = Path.Combine(Repository.root, "dsl", "experiment.schema.json")
let private reference = Path.Combine(Repository.root, "docs", "yaml.md")

/// One of the two alternatives of the schema as a separate schema, because the validator does not support `if`.
let private alternative (name: string) =
    lazy
        (let document = nonNull (JsonNode.Parse(Schema.document ()))
         let alternative = (nonNull document[name]).DeepClone()
         alternative["definitions"] <- (nonNull document["definitions"]).DeepClone()
         (JsonSchema.FromJsonAsync(alternative.ToJsonString())).GetAwaiter().GetResult())

let private whole, private part = alternative "else", alternative "then"

/// The number of schema violations in a text; None: it is not YAML.
let private violations (text: string) : int option =
    YamlJson.ofText text
    |> Option.map (fun json ->
        let schema = if text.Contains "extends:" then part else whole
        schema.Value.Validate(json).Count)

let private corpus =
    [ for file in Directory.EnumerateFiles(ErrorTests.folder, "*.yaml") do
          if not ((Path.GetFileName file).StartsWith "not-utf8") then
              let name = Path.GetFileNameWithoutExtension file
              name, File.ReadAllText file ]

/// Mistakes that a schema cannot detect: names that must agree, numbers that must increase, grids, command-line options.
let private beyondSchema =
    [ "axis-in-product-and-zip"
      "axis-on-a-dataset-that-does-not-fit"
      "axis-named-on-no-path"
      "axis-named-with-a-bad-value"
      "axis-named-with-nothing"
      "axis-on-a-missing-loss"
      "axis-on-a-missing-part"
      "axis-on-a-normalization-of-another-dataset"
      "axis-on-another-schedule"
      "axis-on-no-path"
      "axis-on-seeds"
      "axis-whose-features-do-not-pair"
      "axis-with-a-bad-value"
      "backward-range"
      "boundaries-out-of-order"
      "cache-of-batch-statistics"
      "cache-of-random-images"
      "cache-of-random-photographs"
      "cache-of-whole-maps"
      "cache-on-an-axis"
      "dataset-crop-backwards"
      "dataset-crops-of-small-images"
      "dataset-normalization-of-another-count"
      "dataset-normalization-of-another-dataset"
      "dataset-padding-of-photographs"
      "dense-range"
      "everything-excluded"
      "exclude-of-no-axis"
      "exclude-of-no-variant"
      "extends-a-circle"
      "extends-a-script"
      "extends-itself"
      "extends-missing-file"
      "features-that-do-not-pair"
      "features-that-do-not-pair-in-several-losses"
      "folder-and-name"
      "folder-without-classes"
      "fractions-on-a-whole-axis"
      "huge-grid"
      "include-on-no-path"
      "log-range-from-zero"
      "long-name"
      "name-like-an-option"
      "name-of-a-device"
      "name-with-a-slash"
      "no-teacher"
      "one-cause-misspelt-axis"
      "one-cause-undeclared-loss"
      "overlapping-axes"
      "overlapping-dataset-axes"
      "published-points-on-no-path"
      "published-points-that-contradict"
      "range-finer-than-six-digits"
      "range-without-count"
      "set-of-a-mapping-with-an-axis"
      "set-of-a-named-axis"
      "set-of-an-axis"
      "set-of-an-axis-in-zip"
      "set-under-a-variant"
      "set-of-what-a-file-builds-on"
      "set-that-removes-nothing"
      "set-through-a-value"
      "set-with-a-bad-value"
      "set-with-an-unknown-name"
      "set-with-an-unknown-path"
      "set-with-open-bracket"
      "set-without-value"
      "slurm-axis"
      "stem-that-is-not-there"
      "teacher-of-a-folder-of-other-classes"
      "teacher-of-other-images"
      "teacher-of-other-images-by-its-file"
      "teacher-of-other-images-in-a-grid"
      "teacher-with-two-kinds-of-weights"
      "teacher-without-weights"
      "torchscript-assistant"
      "torchscript-bfloat16"
      "torchscript-loss-as-teacher"
      "torchscript-missing-output"
      "torchscript-unknown-classifier"
      "torchscript-network-as-loss"
      "torchscript-not-an-archive"
      "torchscript-not-there"
      "torchscript-other-images"
      "torchscript-unknown-parameter"
      "undeclared-loss"
      "undeclared-loss-misspelt"
      "uneven-zip"
      "variant-called-teacher"
      "variant-name-of-a-device"
      "variant-name-with-a-star"
      "weights-of-zero"
      "wide-characters" ]

[<Tests>]
let tests =
    testList
        "schema"
        [ test "The committed schema is up to date" { Expected.check file (Schema.document ()) }

          test "The committed reference is up to date" {
              let text = File.ReadAllText reference
              let start, finish = Expected.made text
              Expected.check reference (text.Substring(0, start) + "\n" + Reference.keys () + "\n" + text.Substring finish)
          }

          for document in [ "README.md"; "docs/yaml.md" ] do
              test $"The experiments in {document} can be planned" {
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
              test $"{name}.yaml is valid according to the schema" {
                  let text = File.ReadAllText(Path.Combine(Repository.root, "experiments", name + ".yaml"))
                  Expect.equal (violations text) (Some 0) "no violation"
              }

          for name, text in corpus do
              if name.StartsWith "right-" || name.StartsWith "warning-" then
                  test $"The schema accepts {name}" { Expect.equal (violations text) (Some 0) "no violation" }
              elif List.contains name beyondSchema then
                  test $"The schema cannot detect {name}" {
                      Expect.equal (violations text) (Some 0) "no violation; if it can, remove it from the list"
                  }
              else
                  test $"The schema rejects {name}" { Expect.notEqual (violations text) (Some 0) "a violation, or not YAML" }

          test "Every mistake that the schema cannot detect is in the corpus" {
              Expect.isEmpty (beyondSchema |> List.filter (fun name -> not (List.exists (fst >> (=) name) corpus))) "names without a file"
          } ]
