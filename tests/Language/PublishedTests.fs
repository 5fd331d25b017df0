module ChannelDistillation.Tests.PublishedTests

open System
open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs

/// Top-1 and top-5 error in percent, from the tables of arXiv 2006.01683.
let private tables =
    let both rows = [ for name, (top1, top5) in rows -> name, (Some top1, Some top5) ]

    let imagenet =
        both
            [ "teacher", (26.73, 8.74)
              "student", (30.43, 10.76)
              "kd", (29.50, 9.52)
              "cd", (28.53, 9.56)
              "cd+gkd", (28.26, 9.41)
              "cd+gkd+edt", (27.61, 9.2) ]

    /// From top-1 accuracies of each method's own source.
    let accuracies rows = [ for name, top1 in rows -> name, (Some(float (100m - top1)), None) ]

    [ "cifar100-ablation",
      both
          [ "teacher", (19.09, 4.45)
            "student", (22.02, 5.74)
            "kd", (20.36, 4.94)
            "cd", (20.08, 4.78)
            "cd+gkd", (19.49, 4.85)
            "cd+gkd+edt", (18.63, 4.29) ]
      "imagenet-ablation", imagenet
      "imagenet-comparison", imagenet @ both [ "fitnets", (29.34, 10.77); "at", (29.30, 10.00); "residual-kd", (28.46, 9.74) ]
      "imagenet-r34-r18",
      List.filter (fst >> (<>) "kd") imagenet
      @ accuracies
          [ "kd", 71.03m
            "kd+ls", 71.42m
            "dkd", 71.70m
            "dist", 72.07m
            "reviewkd", 71.61m
            "nkd", 71.96m
            "wttm", 72.19m
            "rld", 71.91m
            "wkd", 72.49m
            "sd-kd", 71.44m
            "sd-dkd", 72.02m
            "sd-nkd", 72.33m ]
      "imagenet-r50-mobilenetv1",
      accuracies
          [ "teacher", 76.16m
            "student", 68.87m
            "kd", 70.50m
            "kd+ls", 72.18m
            "dkd", 72.05m
            "dist", 73.24m
            "reviewkd", 72.56m
            "nkd", 72.58m
            "wttm", 73.09m
            "rld", 72.75m
            "wkd", 73.17m
            "sd-kd", 72.24m
            "sd-dkd", 73.08m
            "sd-nkd", 73.12m ]
      "crd-benchmark", []
      "quickstart", []
      "fashion-mnist-ablation", []
      "fashion-mnist-methods", []
      "fashion-mnist-results", []
      "python-modules", [] ]

/// The layout of a plan's tables without any runs.
let layout plan = Layouts.ofPlan Layouts.counted plan (Job.ofPlan "no-such-folder" plan) (Layouts.known None)

/// Variant, axis values and published top-1 error of every row.
let shown (layout: TableLayout) =
    [ for teacher in layout.Teachers -> "teacher", List.map snd teacher.Axes, teacher.Published |> Option.bind _.Top1Error
      for row in layout.Rows -> row.Variant, List.map snd row.Axes, row.Published |> Option.bind _.Top1Error ]

/// An experiment with two pairs of networks and published numbers.
let private pairs (lines: string list) =
    Base.withGrid [ "zip: [{ teacher.model: [resnet20, resnet56], student.model: [resnet8, resnet14] }]" ]
    + "published:\n"
    + String.Join("", lines |> List.map (fun line -> $"  {line}\n"))

[<Tests>]
let tests =
    testList
        "published numbers"
        [ test "The published table of every shipped experiment is tested" {
              Expect.equal (set (List.map fst tables)) (set ShippedTests.names) "experiments"
          }

          for name, expected in tables do
              test $"{name} has the published numbers of the paper and no others" {
                  let rows =
                      match (ShippedTests.plan name).Experiment.Published with
                      | Some published ->
                          [ for name, row in published.Rows do
                                if not (PublishedRow.isWithoutNumbers row) then
                                    name, (row.Top1Error, row.Top5Error) ]
                      | None -> []

                  Expect.equal (Map.ofList rows) (Map.ofList expected) "rows"
                  Expect.equal rows.Length expected.Length "each once"
              }

          test "Rows without numbers at their point have those of `rows`" {
              let text =
                  pairs
                      [ "rows: { kd: { top1_error: 9 }, cd: { top1_error: 8 } }"
                        "points:"
                        "  - at: { student.model: resnet14 }"
                        "    rows: { teacher: { top1_error: 5 }, kd: { top1_error: 7 } }"
                        "  - at: { teacher.model: resnet56, student.model: resnet14 }"
                        "    rows: { kd: { top1_error: 7 }, student: { top1_error: 6 } }" ]

              Expect.equal
                  (shown (layout (Base.plan text [])))
                  [ "teacher", [ "resnet20" ], None
                    "teacher", [ "resnet56" ], Some 5.0
                    "student", [ "resnet8" ], None
                    "student", [ "resnet14" ], Some 6.0
                    "kd", [ "resnet20"; "resnet8" ], Some 9.0
                    "kd", [ "resnet56"; "resnet14" ], Some 7.0
                    "cd", [ "resnet20"; "resnet8" ], Some 8.0
                    "cd", [ "resnet56"; "resnet14" ], Some 8.0 ]
                  "rows"

              Expect.isEmpty (Base.warnings text) "warnings"
          }

          test "The layout of imagenet-comparison marks the row that trains an assistant" {
              let rows = (layout (ShippedTests.plan "imagenet-comparison")).Rows

              Expect.equal
                  [ for row in rows do
                        if row.Assisted then
                            row.Variant ]
                  [ "residual-kd" ]
                  "rows"
          }

          test "Source and protocol come from the number, its name in `rows`, its point or the section, in this order" {
              let text =
                  pairs
                      [ "source: section"
                        "protocol: section"
                        "rows: { kd: { top1_error: 9 }, cd: { source: of cd } }"
                        "points:"
                        "  - at: { student.model: resnet14 }"
                        "    source: of the point"
                        "    rows: { teacher: { top1_error: 5 }, kd: { top1_error: 7, protocol: own }, cd: { top1_error: 6 } }" ]

              let layout = layout (Base.plan text [])

              let origins =
                  [ for teacher in layout.Teachers -> "teacher", teacher.Published
                    for row in layout.Rows -> row.Variant, row.Published ]
                  |> List.choose (fun (name, numbers) -> numbers |> Option.map (fun numbers -> name, numbers.Source, numbers.Protocol))

              Expect.equal
                  origins
                  [ "teacher", Some "of the point", Some "section"
                    "kd", Some "section", Some "section"
                    "kd", Some "of the point", Some "own"
                    "cd", Some "of cd", Some "section" ]
                  "origins"

              Expect.equal
                  (Caption.lines TableOptions.Default (Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing layout)
                   |> List.filter _.StartsWith("Published"))
                  [ "Published numbers: of the point; section."
                    "Published numbers for kd: section; section."
                    "Published numbers for kd: of the point; own."
                    "Published numbers for cd: of cd; section." ]
                  "caption"
          }

          test "A method that is not trained has separate rows at its points" {
              let text =
                  pairs
                      [ "rows: { OFD: { top1_error: 9 } }"
                        "points:"
                        "  - { at: { teacher.model: resnet56, student.model: resnet14 }, rows: { VID: { top1_error: 7 } } }"
                        "  - { at: { teacher.model: resnet20, student.model: resnet14 }, rows: { VID: { top1_error: 6 } } }" ]

              Expect.equal
                  (shown (layout (Base.plan text [])) |> List.filter (fun (_, _, top1) -> top1.IsSome))
                  [ "OFD", [], Some 9.0; "VID", [ "resnet56"; "resnet14" ], Some 7.0 ]
                  "rows"

              Expect.equal [ for warning in Base.warnings text -> warning.Diagnostic ] [ UnmatchedPoint 0 ] "the other point"
          }

          test "A point without an axis matches the experiment's own values" {
              let text =
                  Base.text
                  + "published: { points: [{ at: { teacher.model: resnet20, losses.kd.temperature: 4.0 }, rows: { kd: { top1_error: 3 } } }] }\n"

              Expect.contains (shown (layout (Base.plan text []))) ("kd", [], Some 3.0) "at 4"
              Expect.contains (shown (layout (Base.plan text [ "losses.kd.temperature", "2" ]))) ("kd", [], None) "at 2"
          } ]
