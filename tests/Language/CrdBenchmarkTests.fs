/// Compares the shipped CRD benchmark with its paper and with those of later methods.
module ChannelDistillation.Tests.CrdBenchmarkTests

open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests.PublishedTests

/// Top-1 accuracy in percent after the last epoch, from the tables of arXiv 1910.10699: pairs of the same architecture, then of different ones.
let private benchmark =
    [ "wrn40-2", "wrn16-2", [ 75.61m; 73.26m; 74.92m; 73.58m; 74.08m; 73.83m; 73.56m; 74.11m; 73.35m; 74.54m; 73.68m; 75.48m ]
      "wrn40-2", "wrn40-1", [ 75.61m; 71.98m; 73.54m; 72.24m; 72.77m; 72.43m; 72.21m; 73.30m; 72.22m; 73.45m; 72.24m; 74.14m ]
      "resnet56", "resnet20", [ 72.34m; 69.06m; 70.66m; 69.21m; 70.55m; 69.67m; 69.63m; 70.38m; 69.61m; 70.34m; 69.60m; 71.16m ]
      "resnet110", "resnet20", [ 74.31m; 69.06m; 70.67m; 68.99m; 70.22m; 70.04m; 69.48m; 70.16m; 69.25m; 70.25m; 69.53m; 71.46m ]
      "resnet110", "resnet32", [ 74.31m; 71.14m; 73.08m; 71.06m; 72.31m; 72.69m; 71.48m; 72.61m; 71.82m; 72.61m; 71.96m; 73.48m ]
      "resnet32x4", "resnet8x4", [ 79.42m; 72.50m; 73.33m; 73.50m; 73.44m; 72.94m; 72.97m; 73.09m; 71.90m; 73.64m; 73.30m; 75.51m ]
      "vgg13", "vgg8", [ 74.64m; 70.36m; 72.98m; 71.02m; 71.43m; 72.68m; 70.71m; 71.23m; 71.48m; 72.88m; 71.53m; 73.94m ]
      "vgg13", "mobilenetv2", [ 74.64m; 64.60m; 67.37m; 64.14m; 59.40m; 66.30m; 64.86m; 65.56m; 64.52m; 67.13m; 58.16m; 69.73m ]
      "resnet50", "mobilenetv2", [ 79.34m; 64.60m; 67.35m; 63.16m; 58.58m; 68.08m; 65.43m; 67.57m; 64.43m; 66.52m; 64.96m; 69.11m ]
      "resnet50", "vgg8", [ 79.34m; 70.36m; 73.81m; 70.69m; 71.84m; 73.34m; 70.25m; 70.30m; 71.50m; 73.01m; 71.28m; 74.30m ]
      "resnet32x4", "shufflenetv1", [ 79.42m; 70.50m; 74.07m; 73.59m; 71.73m; 73.48m; 71.14m; 73.38m; 72.28m; 74.10m; 74.12m; 75.11m ]
      "resnet32x4", "shufflenetv2", [ 79.42m; 71.82m; 74.45m; 73.54m; 72.73m; 74.56m; 71.29m; 73.40m; 73.21m; 74.69m; 74.68m; 75.65m ]
      "wrn40-2", "shufflenetv1", [ 75.61m; 70.50m; 74.83m; 73.73m; 73.32m; 74.52m; 71.38m; 73.61m; 72.21m; 73.89m; 74.89m; 76.05m ] ]

/// DKD (arXiv 2203.08679): top-1 accuracy in percent of the best epoch, from the README of mdistiller, with the beta of its configurations.
let private decoupled =
    [ "wrn40-2", "wrn16-2", 76.23m, "6"
      "wrn40-2", "wrn40-1", 74.81m, "6"
      "resnet56", "resnet20", 71.97m, "2"
      "resnet110", "resnet32", 74.11m, "2"
      "resnet32x4", "resnet8x4", 76.32m, "8"
      "vgg13", "vgg8", 74.68m, "6"
      "vgg13", "mobilenetv2", 69.71m, "6"
      "resnet50", "mobilenetv2", 70.35m, "8"
      "resnet32x4", "shufflenetv1", 76.45m, "8"
      "wrn40-2", "shufflenetv1", 76.70m, "8" ]

/// DIST (arXiv 2205.10536): accuracy for each pair, from the README of its code.
let private stronger =
    [ "wrn40-2", "wrn40-1", 74.43m
      "resnet56", "resnet20", 71.75m
      "resnet32x4", "resnet8x4", 76.31m
      "resnet50", "mobilenetv2", 68.66m
      "resnet32x4", "shufflenetv1", 76.34m
      "resnet32x4", "shufflenetv2", 77.35m ]

/// TTM and WTTM (arXiv 2402.11148): gamma, then weight and accuracy (if published) of each.
let private matched =
    [ ("wrn40-2", "wrn16-2"), "0.1", ("101", Some 76.23m), ("4", Some 76.37m)
      ("wrn40-2", "wrn40-1"), "0.1", ("76", Some 74.32m), ("3", Some 74.58m)
      ("resnet56", "resnet20"), "0.3", ("7", Some 71.83m), ("1.5", Some 71.92m)
      ("resnet110", "resnet20"), "0.2", ("8", Some 71.46m), ("2", Some 71.67m)
      ("resnet110", "resnet32"), "0.1", ("33", Some 73.97m), ("1.5", Some 74.13m)
      ("resnet32x4", "resnet8x4"), "0.1", ("100", Some 76.17m), ("3", Some 76.06m)
      ("vgg13", "vgg8"), "0.1", ("45", Some 74.33m), ("2.25", Some 74.44m)
      ("vgg13", "mobilenetv2"), "0.2", ("16", Some 68.98m), ("3", Some 69.16m)
      ("resnet50", "mobilenetv2"), "0.2", ("20", Some 69.24m), ("5", Some 69.59m)
      ("resnet50", "vgg8"), "0.1", ("70", Some 74.87m), ("2", Some 74.82m)
      ("resnet32x4", "shufflenetv1"), "0.2", ("12", Some 74.18m), ("1.4", Some 74.37m)
      ("resnet32x4", "shufflenetv2"), "0.4", ("40", Some 76.57m), ("16", Some 76.55m)
      ("wrn40-2", "shufflenetv1"), "0.3", ("8", Some 75.39m), ("3", Some 75.42m) ]

/// RLD (arXiv 2408.07703): accuracy for each pair.
let private refined =
    [ "wrn40-2", "wrn16-2", 76.06m
      "wrn40-2", "wrn40-1", 74.88m
      "resnet56", "resnet20", 72.00m
      "resnet110", "resnet20", 71.67m
      "resnet110", "resnet32", 74.02m
      "resnet32x4", "resnet8x4", 76.64m
      "vgg13", "vgg8", 74.93m ]

/// Logit standardisation (arXiv 2403.01427): temperature and weight with KD, then temperature, weight and beta with DKD, then the accuracies of both and of
/// curriculum temperature (arXiv 2211.16231), if published.
let private standardized =
    [ ("wrn40-2", "wrn16-2"), [ "2"; "9" ], [ "2"; "12"; "2" ], (Some 76.11m, Some 76.39m, Some 75.45m)
      ("wrn40-2", "wrn40-1"), [ "2"; "9" ], [ "2"; "12"; "2" ], (Some 74.37m, Some 74.89m, Some 73.93m)
      ("resnet56", "resnet20"), [ "2"; "9" ], [ "3"; "18"; "2" ], (Some 71.43m, Some 72.32m, Some 71.19m)
      ("resnet110", "resnet20"), [ "4"; "12" ], [ "2"; "15"; "2" ], (Some 71.48m, Some 71.85m, Some 70.99m)
      ("resnet110", "resnet32"), [ "2"; "9" ], [ "2"; "15"; "2" ], (Some 74.17m, Some 74.29m, Some 73.52m)
      ("resnet32x4", "resnet8x4"), [ "2"; "9" ], [ "2"; "9"; "8" ], (Some 76.62m, Some 77.01m, Some 73.39m)
      ("vgg13", "vgg8"), [ "3"; "9" ], [ "2"; "15"; "2" ], (Some 74.36m, Some 74.81m, Some 73.52m)
      ("vgg13", "mobilenetv2"), [ "3"; "9" ], [ "3"; "9"; "2" ], (Some 68.61m, None, None)
      ("resnet50", "mobilenetv2"), [ "3"; "1" ], [ "2"; "15"; "2" ], (Some 69.02m, None, None)
      ("resnet50", "vgg8"), [ "2"; "9" ], [ "2"; "9"; "8" ], (None, None, None)
      ("resnet32x4", "shufflenetv1"), [ "2"; "9" ], [ "2"; "9"; "8" ], (None, None, None)
      ("resnet32x4", "shufflenetv2"), [ "2"; "9" ], [ "2"; "9"; "8" ], (Some 75.56m, None, None)
      ("wrn40-2", "shufflenetv1"), [ "2"; "9" ], [ "2"; "9"; "8" ], (None, None, None) ]

/// SD-KD and SD-DKD (arXiv 2403.13512): scales, beta of DKD, and the accuracies for pairs of different architectures.
let private decoupledScales =
    [ ("wrn40-2", "wrn16-2"), "2", "6", None
      ("wrn40-2", "wrn40-1"), "2", "6", None
      ("resnet56", "resnet20"), "2", "2", None
      ("resnet110", "resnet20"), "2", "8", None
      ("resnet110", "resnet32"), "2", "2", None
      ("resnet32x4", "resnet8x4"), "2", "8", None
      ("vgg13", "vgg8"), "2", "6", None
      ("vgg13", "mobilenetv2"), "3", "6", Some(68.79m, 70.25m)
      ("resnet50", "mobilenetv2"), "3", "8", Some(69.55m, 71.36m)
      ("resnet50", "vgg8"), "3", "8", None
      ("resnet32x4", "shufflenetv1"), "3", "8", Some(76.30m, 77.30m)
      ("resnet32x4", "shufflenetv2"), "3", "8", Some(76.67m, 78.05m)
      ("wrn40-2", "shufflenetv1"), "3", "8", Some(76.65m, 77.21m) ]

/// WKD-L (arXiv 2412.08139): gamma, temperature and accuracy.
let private transported =
    [ ("resnet32x4", "resnet8x4"), [ "600"; "8" ], Some 76.53m
      ("wrn40-2", "shufflenetv1"), [ "200"; "6" ], Some 76.72m ]

/// ReviewKD (arXiv 2104.09044): the weight for each pair in its authors' script.
let private reviewed =
    [ "wrn40-2", "wrn16-2", "5"
      "wrn40-2", "wrn40-1", "5"
      "wrn40-2", "shufflenetv1", "5"
      "resnet32x4", "resnet8x4", "5"
      "resnet32x4", "shufflenetv1", "5"
      "resnet32x4", "shufflenetv2", "8"
      "resnet56", "resnet20", "0.6"
      "resnet110", "resnet32", "1" ]

[<Tests>]
let tests =
    testList
        "crd-benchmark"
        [ test "The published numbers of every pair and method are in their rows" {
              let methods = [ "teacher"; "student"; "kd"; "fitnets"; "at"; "sp"; "cc"; "vid"; "rkd"; "pkt"; "nst"; "crd" ]

              let expected =
                  set
                      [ for teacher, student, accuracies in benchmark do
                            let rate =
                                if student.StartsWith "mobile" || student.StartsWith "shuffle" then
                                    "0.01"
                                else
                                    "0.05"

                            for name, accuracy in List.zip methods accuracies do
                                let axes =
                                    match name with
                                    | "teacher" -> [ teacher ]
                                    | "student" -> [ student; rate ]
                                    | _ -> [ teacher; student; rate ]

                                name, axes, Some(float (100m - accuracy)) ]

              let ofBenchmark (name, _, _) = List.contains name methods
              let actual = shown (layout (ShippedTests.plan "crd-benchmark"))
              Expect.equal (actual |> List.filter ofBenchmark |> set) expected "numbers"
              Expect.equal actual.Length (6 + 9 + 21 * 13 + 2) "rows"
          }

          test "TTM and WTTM have their authors' settings and numbers for each pair" {
              let layout = layout (ShippedTests.plan "crd-benchmark")

              for name, own in [ "ttm", fst; "wttm", snd ] do
                  Expect.equal
                      [ for row in layout.Rows do
                            if row.Variant = name then
                                let value path = row.Axes |> List.find (fun (axis, _) -> axis = path) |> snd
                                let top1 = row.Published |> Option.bind _.Top1Error

                                (value "teacher.model", value "student.model"), value $"losses.{name}.gamma", (value $"losses.{name}.weight", top1) ]
                      [ for pair, gamma, plain, weighted in matched ->
                            let weight, accuracy = own (plain, weighted)
                            pair, gamma, (weight, accuracy |> Option.map (fun accuracy -> float (100m - accuracy))) ]
                      name
          }

          test "DKD, DIST, RLD and ReviewKD have their authors' settings and numbers for each pair" {
              let layout = layout (ShippedTests.plan "crd-benchmark")
              let of' name = layout.Rows |> List.filter (fun row -> row.Variant = name)
              let value path (row: LayoutRow) = row.Axes |> List.tryFind (fun (axis, _) -> axis = path) |> Option.map snd |> Option.defaultValue ""
              let pair row = value "teacher.model" row, value "student.model" row

              Expect.equal
                  (set
                      [ for row in of' "dkd" do
                            match row.Published with
                            | Some numbers -> pair row, value "losses.dkd.beta" row, numbers.Top1Error, numbers.Protocol
                            | None -> () ])
                  (set
                      [ for teacher, student, accuracy, beta in decoupled ->
                            (teacher, student), beta, Some(float (100m - accuracy)), Some "best epoch, number of runs not stated" ])
                  "DKD"

              for name, accuracies, protocol in
                  [ "dist", stronger, "mean of several runs, epoch and number of runs not stated"
                    "rld", refined, "best epoch, mean of 3 runs" ] do
                  Expect.equal
                      (set
                          [ for row in of' name do
                                match row.Published with
                                | Some numbers -> pair row, numbers.Top1Error, numbers.Protocol
                                | None -> () ])
                      (set [ for teacher, student, accuracy in accuracies -> (teacher, student), Some(float (100m - accuracy)), Some protocol ])
                      name

              let weights = dict [ for teacher, student, weight in reviewed -> (teacher, student), weight ]

              for row in of' "reviewkd" do
                  match weights.TryGetValue(pair row) with
                  | true, weight -> Expect.equal (value "losses.reviewkd.weight" row) weight $"{pair row}"
                  | _ -> Expect.equal (value "losses.reviewkd.weight" row) "1" $"{pair row}: the default of mdistiller"

              for row in (ShippedTests.plan "crd-benchmark").Rows do
                  for loss in row.Runs.Head.Spec.Losses do
                      if loss.Name = "dist" then
                          Expect.equal (loss.Weight, loss.Parameters.Number "temperature") (2.0, 4.0) "DIST"
          }

          test "Standardised, scale-decoupled and transport losses have their authors' settings and numbers for each pair" {
              let layout = layout (ShippedTests.plan "crd-benchmark")

              let expect name paths expected =
                  Expect.equal
                      [ for row in layout.Rows do
                            if row.Variant = name then
                                let value path = row.Axes |> List.find (fun (axis, _) -> axis = path) |> snd
                                (value "teacher.model", value "student.model"), List.map value paths, row.Published |> Option.bind _.Top1Error ]
                      [ for pair, settings, accuracy in expected -> pair, settings, accuracy |> Option.map (fun accuracy -> float (100m - accuracy)) ]
                      name

              let under prefix names = [ for name in names -> prefix + name ]

              expect
                  "kd+ls"
                  (under "variants.kd+ls.kd." [ "temperature"; "weight" ])
                  [ for pair, plain, _, (accuracy, _, _) in standardized -> pair, plain, accuracy ]

              expect
                  "dkd+ls"
                  (under "variants.dkd+ls.dkd." [ "temperature"; "weight"; "beta" ])
                  [ for pair, _, split, (_, accuracy, _) in standardized -> pair, split, accuracy ]

              expect "ctkd" [] [ for pair, _, _, (_, _, accuracy) in standardized -> pair, [], accuracy ]
              expect "sd-kd" [ "losses.sd-kd.scales" ] [ for pair, scales, _, both in decoupledScales -> pair, [ scales ], Option.map fst both ]

              expect
                  "sd-dkd"
                  (under "losses.sd-dkd." [ "scales"; "beta" ])
                  [ for pair, scales, beta, both in decoupledScales -> pair, [ scales; beta ], Option.map snd both ]

              expect "wkd" (under "losses.wkd." [ "gamma"; "temperature" ]) transported
          }

          test "All teachers are trained with the recipe of the benchmark" {
              let plan = ShippedTests.plan "crd-benchmark"

              for teacher in Teachers.ofPlan plan do
                  let train = nonNull teacher.Spec.Train
                  Expect.equal (train.Optimizer.LearningRate, train.Epochs, train.Batch) (0.05, 240, 64) teacher.Spec.Model.Name
          } ]
