module ChannelDistillation.Tests.GridTests

open System
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

let private rows (plan: Plan) = plan.Rows |> List.map (fun row -> row.Variant, row.Axes)

let private runNames (plan: Plan) = plan.Runs |> List.map _.Name

[<Tests>]
let tests =
    testList
        "grid"
        [ test "Folder names are short and unique even if many rows start alike" {
              let variant = String('v', 80)

              let text =
                  (Base.withGrid
                      [ "product:"
                        $"  losses.ce.weight: [1.2345678901, 1.2345678902]"
                        $"  losses.kd.weight: {{ from: 1.0001, to: 2.0002, count: 50 }}"
                        $"  losses.kd.temperature: {{ from: 1.0001, to: 9.0002, count: 50 }}"
                        "  train.optimizer.sgd.lr: [0.1234567891, 0.1234567892]"
                        "  train.optimizer.sgd.momentum: [0.1234567893, 0.1234567894]" ])
                      .Replace("  kd: [ce, kd]", $"  {variant}: [ce, kd]")

              let names =
                  (Base.plan text [ "variants.student", "null"; "variants.cd", "null"; "seeds", "[9223372036854775807]" ]).Runs
                  |> List.map _.Name

              Expect.hasLength names 20_000 "runs"
              let folders = names |> List.map (fun name -> name + "-01234567")
              Expect.isLessThan (folders |> List.map _.Length |> List.max) 256 "bytes"
              Expect.equal (names |> List.distinctBy _.ToLowerInvariant() |> List.length) 20_000 "unique"
          }

          test "An axis that a variant does not use does not multiply it" {
              let plan = Base.plan (Base.withGrid [ "product: { losses.cd.weight: [1, 3] }" ]) []

              Expect.equal (rows plan) [ "student", []; "kd", []; "cd", [ "losses.cd.weight", "1" ]; "cd", [ "losses.cd.weight", "3" ] ] "rows"

              Expect.equal
                  (runNames plan)
                  [ "student-seed0"
                    "student-seed1"
                    "kd-seed0"
                    "kd-seed1"
                    "cd-cd.weight=1-seed0"
                    "cd-cd.weight=1-seed1"
                    "cd-cd.weight=3-seed0"
                    "cd-cd.weight=3-seed1" ]
                  "names"
          }

          test "A named axis sets several paths, and is an axis of every variant that uses one of them" {
              let text =
                  (Base.withGrid
                      [ "product: { T: { paths: [losses.kd.temperature, losses.dkd.temperature], values: [1, 2, 4] } }"
                        "exclude: [{ variant: dkd, T: 2 }]"
                        "include: [{ variant: kd, T: 8 }]" ])
                      .Replace("  kd: [ce, kd]", "  kd: [ce, kd]\n  dkd: [ce, dkd]")
                      .Replace("  cd: { weight: 6 }", "  cd: { weight: 6 }\n  dkd: { warmup: 0 }")

              let plan = Base.plan text [ "seeds", "[0]" ]

              Expect.equal
                  (rows plan)
                  [ "student", []
                    "kd", [ "T", "1" ]
                    "kd", [ "T", "2" ]
                    "kd", [ "T", "4" ]
                    "kd", [ "T", "8" ]
                    "dkd", [ "T", "1" ]
                    "dkd", [ "T", "4" ]
                    "cd", [] ]
                  "rows"

              Expect.equal
                  (runNames plan)
                  [ "student-seed0"
                    "kd-T=1-seed0"
                    "kd-T=2-seed0"
                    "kd-T=4-seed0"
                    "kd-T=8-seed0"
                    "dkd-T=1-seed0"
                    "dkd-T=4-seed0"
                    "cd-seed0" ]
                  "names"

              // The runs are those of axes over each path.
              let hashes text settings =
                  (Base.plan text settings).Runs |> List.map (fun run -> ChannelDistillation.Specs.SpecJson.Hash run.Spec) |> Set.ofList

              let single loss values =
                  hashes (text.Substring(0, text.IndexOf "grid:")) [ $"grid.product.losses.{loss}.temperature", values; "seeds", "[0]" ]

              Expect.equal
                  (Set.difference (hashes text [ "seeds", "[0]" ]) (Set.union (single "kd" "[1, 2, 4, 8]") (single "dkd" "[1, 4]")))
                  Set.empty
                  "hashes"
          }

          test "A named axis in `zip` gives a short name to a path, also in published points" {
              let text =
                  Base.withGrid [ "zip: [{ lr: { paths: [train.optimizer.sgd.lr], values: [0.1, 0.2] }, train.batch: [32, 64] }]" ]
                  + "published: { source: S, points: [{ at: { lr: 0.2 }, rows: { kd: { top1_error: 5 } } }] }\n"

              let plan = Base.plan text [ "variants.cd", "null"; "variants.student", "null"; "seeds", "[0]" ]
              Expect.equal (runNames plan) [ "kd-lr=0.1-batch=32-seed0"; "kd-lr=0.2-batch=64-seed0" ] "names"
              Expect.equal [ for row in plan.Rows -> (row.PublishedAs "kd").IsSome ] [ false; true ] "published"
          }

          test "A number is written in its shortest form, but names of runs keep theirs" {
              let plan =
                  Base.plan (Base.withGrid [ "product: { losses.cd.weight: [1e9, 2500000, 0.0005, 30000, 1e-7, 1234567] }" ]) [ "seeds", "[0]" ]

              let cd = plan.Runs |> List.filter (fun run -> run.Variant = "cd")
              Expect.equal [ for run in cd -> snd run.Axes.Head ] [ "1e9"; "2.5e6"; "0.0005"; "30000"; "1e-7"; "1234567" ] "shown"

              Expect.equal
                  [ for run in cd -> run.Name ]
                  [ for value in [ "1000000000"; "2500000"; "0.0005"; "30000"; "1e-7"; "1234567" ] -> $"cd-cd.weight={value}-seed0" ]
                  "names"
          }

          test "An axis over a setting that a variant overrides does not multiply it" {
              let plan = Base.plan (Base.withGrid [ "product: { losses.cd.decay: [none, { linear: { until: 5 } }] }" ]) []
              Expect.equal (rows plan) [ "student", []; "kd", []; "cd", [] ] "rows"
          }

          test "Variants with equal file names get numbers, and long names are kept in full" {
              let text =
                  Base.text.Replace(
                      "  student: [ce]\n",
                      "  a b: [ce]\n  a_b: [ce, kd]\n  A b: [kd]\n  averyveryveryverylongvariantname-one: [ce, cd]\n  averyveryveryverylongvariantname-two: [cd]\n  _: [kd, cd]\n"
                  )

              Expect.equal
                  (runNames (Base.plan text [ "seeds", "[0]" ]) |> List.truncate 6)
                  [ "a_b-seed0"
                    "a_b.2-seed0"
                    "A_b.3-seed0"
                    "averyveryveryverylongvariantname-one-seed0"
                    "averyveryveryverylongvariantname-two-seed0"
                    "variant-seed0" ]
                  "names"
          }

          test "A zip may repeat a value if the tuples differ" {
              let zip = "zip: [{ teacher.model: [resnet56, resnet110, resnet110], student.model: [resnet20, resnet20, resnet32] }]"
              let plan = Base.plan (Base.withGrid [ zip ]) [ "seeds", "[0]" ]

              Expect.equal
                  (rows plan |> List.filter (fun (variant, _) -> variant <> "kd"))
                  [ "student", [ "student.model", "resnet20" ]
                    "student", [ "student.model", "resnet32" ]
                    "cd", [ "teacher.model", "resnet56"; "student.model", "resnet20" ]
                    "cd", [ "teacher.model", "resnet110"; "student.model", "resnet20" ]
                    "cd", [ "teacher.model", "resnet110"; "student.model", "resnet32" ] ]
                  "rows"

              Expect.equal
                  (runNames plan |> List.truncate 3)
                  [ "student-student.model=resnet20-seed0"
                    "student-student.model=resnet32-seed0"
                    "kd-teacher.model=resnet56-student.model=resnet20-seed0" ]
                  "names"

              match Base.problems (Base.withGrid [ "zip: [{ train.batch: [32, 64, 32], student.model: [resnet8, resnet8, resnet8] }]" ]) [] with
              | [ { Diagnostic = DuplicateAxisValue("train.batch", "32, resnet8", "32, resnet8") } ] -> ()
              | other -> failtest $"{other}"
          }

          test "Two values that set the same thing are a mistake" {
              let axis = "product: { train.lr_schedule: [cosine, { cosine: { to: 0 } }, constant, { constant: {} }] }"

              match Base.problems (Base.withGrid [ axis ]) [] |> List.map _.Diagnostic with
              | [ DuplicateAxisValue("train.lr_schedule", "{ cosine: { to: 0 } }", "cosine"); DuplicateAxisValue("train.lr_schedule", _, "constant") ] ->
                  ()
              | other -> failtest $"{other}"
          }

          test "If several values are equivalent for a variant, the first names the row" {
              let axis = "product: { variants.kd.losses: [[ce, kd], [ce, kd: { temperature: 4 }], [ce, kd: { temperature: 2 }]] }"
              let text = Base.withGrid [ axis ]

              Expect.equal
                  (rows (Base.plan text []) |> List.filter (fun (variant, _) -> variant = "kd"))
                  [ "kd", [ "variants.kd.losses", "[ce, kd]" ]
                    "kd", [ "variants.kd.losses", "[ce, { kd: { temperature: 2 } }]" ] ]
                  "rows"

              Expect.isEmpty (Base.warnings text) "the axis is used"
          }

          test "An axis that a variant's preset overrides does not multiply it, with or without excluded points" {
              let text = Base.text.Replace("  kd: [ce, kd]\n", "  kd: { losses: [ce, kd], edt: imagenet }\n") + "grid:\n"
              let axis = "  product: { losses.ce.start_after: [0, 1, 2], train.batch: [32, 64] }\n"
              let expected = [ "kd", [ "train.batch", "32" ]; "kd", [ "train.batch", "64" ] ]
              let kd text = rows (Base.plan text []) |> List.filter (fun (variant, _) -> variant = "kd")
              Expect.equal (kd (text + axis)) expected "rows"
              Expect.equal (kd (text + axis + "  exclude: [{ losses.ce.start_after: 2, train.batch: 64 }]\n")) expected "with a point left out"
          }

          test "An axis of teachers does not multiply a variant without a teacher" {
              let plan =
                  Base.plan (Base.withGrid [ "zip: [{ teacher.model: [resnet20, resnet56], student.model: [resnet8, resnet14] }]" ]) []

              Expect.equal
                  (rows plan |> List.filter (fun (variant, _) -> variant <> "kd"))
                  [ "student", [ "student.model", "resnet8" ]
                    "student", [ "student.model", "resnet14" ]
                    "cd", [ "teacher.model", "resnet20"; "student.model", "resnet8" ]
                    "cd", [ "teacher.model", "resnet56"; "student.model", "resnet14" ] ]
                  "rows"
          }

          test "Rows are ordered by variant, then by axis, and the first axis varies slowest" {
              let plan = Base.plan (Base.withGrid [ "product: { train.batch: [32, 64], train.optimizer.sgd.lr: [0.1, 0.2] }" ]) []

              Expect.equal
                  (runNames plan |> List.filter (fun name -> name.EndsWith "seed0") |> List.truncate 5)
                  [ "student-batch=32-lr=0.1-seed0"
                    "student-batch=32-lr=0.2-seed0"
                    "student-batch=64-lr=0.1-seed0"
                    "student-batch=64-lr=0.2-seed0"
                    "kd-batch=32-lr=0.1-seed0" ]
                  "names"
          }

          test "`exclude` leaves out points of the variants that it names" {
              let plan =
                  Base.plan
                      (Base.withGrid
                          [ "product: { losses.cd.weight: [1, 3], train.batch: [32, 64] }"
                            "exclude: [{ variant: cd, losses.cd.weight: 3.0, train.batch: 32 }, { variant: [student, kd], train.batch: 64 }]" ])
                      []

              Expect.equal
                  (rows plan)
                  [ "student", [ "train.batch", "32" ]
                    "kd", [ "train.batch", "32" ]
                    "cd", [ "losses.cd.weight", "1"; "train.batch", "32" ]
                    "cd", [ "losses.cd.weight", "1"; "train.batch", "64" ]
                    "cd", [ "losses.cd.weight", "3"; "train.batch", "64" ] ]
                  "rows"
          }

          test "`include` adds points outside the axes, without duplicates" {
              let plan =
                  Base.plan
                      (Base.withGrid
                          [ "product: { losses.cd.weight: [1, 3] }"
                            "include: [{ variant: cd, losses.cd.weight: 12 }, { variant: cd, losses.cd.weight: 3 }, { variant: student, train.epochs: 60 }]" ])
                      []

              Expect.equal
                  (rows plan)
                  [ "student", []
                    "student", [ "train.epochs", "60" ]
                    "kd", []
                    "cd", [ "losses.cd.weight", "1" ]
                    "cd", [ "losses.cd.weight", "3" ]
                    "cd", [ "losses.cd.weight", "12" ] ]
                  "rows"
          }

          test "Ranges are linear, logarithmic or integer, and include their exact ends" {
              let values range =
                  Base.plan (Base.withGrid [ $"product: {{ losses.cd.weight: {range} }}" ]) []
                  |> rows
                  |> List.filter (fun (variant, _) -> variant = "cd")
                  |> List.map (fun (_, axes) -> snd axes.Head)

              Expect.equal (values "{ from: 1, to: 2, count: 4 }") [ "1"; "1.33333"; "1.66667"; "2" ] "linear"
              Expect.equal (values "{ from: 1e-4, to: 0.1, count: 4, scale: log }") [ "0.0001"; "0.001"; "0.01"; "0.1" ] "log"
              Expect.equal (values "{ from: 1, to: 10, count: 4, scale: integer }") [ "1"; "4"; "7"; "10" ] "integer with a count"
              Expect.equal (values "{ from: 2, to: 5, scale: integer }") [ "2"; "3"; "4"; "5" ] "every integer"
          }

          test "A table shows the exact values that are trained" {
              let plan = Base.plan (Base.withGrid [ "product: { losses.cd.weight: { from: 1, to: 7, count: 10, scale: log } }" ]) []

              for run in plan.Runs |> List.filter (fun run -> run.Variant = "cd") do
                  let shown = run.Axes |> List.find (fun (path, _) -> path = "losses.cd.weight") |> snd
                  let cd = run.Spec.Losses |> Seq.find (fun loss -> loss.Name = "cd")
                  Expect.equal (Numbers.show cd.Weight) shown run.Name
          }

          test "Two variants with the same resolved settings are two rows with the same runs" {
              let plan = Base.plan (Base.text.Replace("  student: [ce]", "  student: [ce]\n  again: [ce]")) []
              Expect.equal plan.Rows.Length 4 "rows"
              Expect.equal plan.Runs.Length 6 "runs"
          }

          test "An axis below `train` does not vary a trained teacher" {
              let text = Base.text.Replace("checkpoint: pretrain/teacher.pth", "train: { epochs: 5 }")

              let teachers grid =
                  (Base.plan (text + grid) []).Runs
                  |> List.choose (fun run -> Option.ofObj run.Spec.Teacher)
                  |> List.map (fun teacher -> teacher.Train.Batch)
                  |> List.distinct

              Expect.equal (teachers "grid:\n  product: { train.batch: [32, 64] }\n") [ 64 ] "the file's own batch"
              Expect.equal (teachers "grid:\n  product: { teacher.train.batch: [32, 64] }\n") [ 32; 64 ] "its own axis"
          }

          test "A hundred thousand points are planned within six seconds of CPU time" {
              let text =
                  Base.withGrid
                      [ "product:"
                        "  losses.cd.weight: { from: 0.1, to: 100, count: 100, scale: log }"
                        "  train.optimizer.sgd.lr: { from: 0.01, to: 1, count: 100, scale: log }"
                        "  train.batch: { from: 32, to: 320, count: 10, scale: integer }" ]

              let text = text.Replace("seeds: [0, 1]", "seeds: [0]")
              Base.plan (Base.withGrid [ "product: { train.batch: [32, 64] }" ]) [] |> ignore
              let plan, took = ProcessorTime.ofWork (fun () -> Base.plan text [])
              Expect.equal plan.Runs.Length (100_000 + 1000 + 1000) "cd at every point, student and kd where they differ"
              // The limit leaves room for garbage collection on other cores. The benchmark of `plan` prints the time.
              Expect.isLessThan took.TotalSeconds 6.0 "CPU time"
          }

          test "More than 10,000 runs require `--yes`" {
              let file = IO.Path.GetTempFileName()

              try
                  IO.File.WriteAllText(file, Base.withGrid [ "product: { losses.cd.weight: { from: 1, to: 100, count: 6000 } }" ])

                  match Experiments.load file [] false with
                  | Error [ { Diagnostic = ManyRuns(12004, 10000) } as problem ] ->
                      Expect.equal
                          (Render.text false [ problem ])
                          ("1 problem. No run was started.\n\n"
                           + "-- MANY RUNS -------------------------------------------------------------------\n"
                           + "This experiment has 12,004 runs, more than 10,000.\n"
                           + "Hint: to run them all, add `--yes`.")
                          "whole text"
                  | other -> failtest $"{other}"

                  Expect.isOk (Experiments.load file [] true |> Result.map ignore) "with --yes"
              finally
                  IO.File.Delete file
          } ]
