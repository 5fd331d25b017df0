module ChannelDistillation.Tests.WeightChartTests

open Expecto
open ChannelDistillation.Dsl.Planning

[<Tests>]
let tests =
    testList
        "weight charts"
        [ test "A chart shows the weights and lists their changes" {
              let text =
                  Base.text
                      .Replace("epochs: 30\n", "epochs: 200\n")
                      .Replace("  cd: [ce, cd: { decay: { every: { epochs: 10, factor: 0.9 } } }]", "  edt: { losses: [ce, cd], edt: cifar }")

              Expect.equal
                  (WeightChart.render (Base.plan text []))
                  [ "Loss weights over 200 epochs"
                    "  edt  ce  ···············███████████████████████████████████  0, 1 from 61"
                    "       cd  ███████████████▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▆▆▆▆▆▆▆▆▆▆  6, 5.4 from 60, 4.86 from 160" ]
                  "chart"
          }

          test "Of many changes, only the first and the last are listed" {
              let cd =
                  WeightChart.ofPlan (Base.plan Base.text [ "train.epochs", "100" ])
                  |> List.concat
                  |> List.find (fun line -> line.Loss = "cd")

              Expect.equal cd.Words "6, 5.4 from 10, ..., 2.092 from 100" "words"
              Expect.equal cd.Bars.Length 50 "no wider than a terminal"
          }

          test "Constant weights have no chart" {
              let plan = Base.plan Base.text [ "variants.cd", "[ce, cd]" ]
              Expect.isEmpty (WeightChart.render plan) "nothing"
          }

          test "Weights that a schedule keeps at 0 are shown" {
              let text = Base.text.Replace("  kd: [ce, kd]\n", "  kd: { losses: [ce, kd], edt: cifar }\n")
              let plan = Base.plan text [ "variants.cd", "[ce, cd]"; "seeds", "[0]" ]

              Expect.equal
                  (WeightChart.render plan)
                  [ "Loss weights over 30 epochs"
                    "  kd  ce  ······························  0"
                    "      kd  ······························  0" ]
                  "chart"
          }

          test "Each distinct schedule of a grid is shown once, with its axis values" {
              let text = Base.withGrid [ "product: { train.epochs: [6, 12], train.batch: [32, 64], losses.cd.weight: [1, 3] }" ]

              let plan = Base.plan text [ "variants.cd", "[ce, cd: { start_after: 3 }]"; "train.lr_schedule", "constant"; "seeds", "[0]" ]

              Expect.equal
                  (WeightChart.render plan)
                  [ "Loss weights over training"
                    "  cd epochs=6   ce  ██████        1"
                    "                cd  ···███        relative to its weight: 0, 1 from 4"
                    "  cd epochs=12  ce  ████████████  1"
                    "                cd  ···█████████  relative to its weight: 0, 1 from 4" ]
                  "charts"
          }

          test "Points of an axis without a schedule are not shown" {
              let text =
                  Base.withGrid [ "product: { losses.kd.decay: [none, { linear: { until: 3 } }, { step: { at: [3], factor: 0.5 } }] }" ]

              let plan =
                  Base.plan text [ "variants.cd", "null"; "losses.cd", "null"; "train.epochs", "4"; "train.lr_schedule", "constant" ]

              Expect.equal
                  (WeightChart.render plan)
                  [ "Loss weights over 4 epochs"
                    "  kd kd.decay={ linear: { until: 3 } }            ce  ████  1"
                    "                                                  kd  █▄··  1, 0.5 from 2, 0 from 3"
                    "  kd kd.decay={ step: { at: [3], factor: 0.5 } }  ce  ████  1"
                    "                                                  kd  ██▄▄  1, 0.5 from 3" ]
                  "charts"
          }

          test "Only the first of many charts are shown" {
              let text = Base.withGrid [ "product: { losses.kd.start_after: { from: 1, to: 20, scale: integer } }" ]
              let chart = WeightChart.render (Base.plan text [ "variants.cd", "[ce, cd]" ])
              Expect.equal (List.last chart) "  and 8 more" "the rest"
              Expect.equal chart.Length (1 + 12 * 2 + 1) "lines"
          }

          test "One epoch is singular" {
              let plan =
                  Base.plan Base.text [ "train.epochs", "1"; "variants.cd", "[ce, cd: { start_after: 1 }]"; "train.lr_schedule", "constant" ]

              Expect.equal (WeightChart.render plan).Head "Loss weights over 1 epoch" "title"
          } ]
