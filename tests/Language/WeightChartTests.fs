module ChannelDistillation.Tests.WeightChartTests

open Expecto
open ChannelDistillation.Dsl

[<Tests>]
let tests =
    testList
        "weight charts"
        [ test "a schedule is drawn with its changes in words" {
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

          test "many changes are named by the first and the last" {
              let cd = WeightChart.ofPlan (Base.plan Base.text [ "train.epochs", "100" ]) |> List.find (fun line -> line.Loss = "cd")
              Expect.equal cd.Words "6, 5.4 from 10, ..., 2.092 from 100" "words"
              Expect.equal cd.Bars.Length 50 "no wider than a terminal"
          }

          test "constant weights need no chart" {
              let plan = Base.plan Base.text [ "variants.cd", "[ce, cd]" ]
              Expect.isEmpty (WeightChart.render plan) "nothing"
          }

          test "weights that are 0 throughout are drawn, since they are not what the loss says" {
              let text = Base.text.Replace("  kd: [ce, kd]\n", "  kd: { losses: [ce, kd], edt: cifar }\n")
              let plan = Base.plan text [ "variants.cd", "[ce, cd]"; "seeds", "[0]" ]

              Expect.equal
                  (WeightChart.render plan)
                  [ "Loss weights over 30 epochs"
                    "  kd  ce  ······························  0"
                    "      kd  ······························  0" ]
                  "chart"
          }

          test "the chart of a grid says that it is of the first point" {
              let plan = Base.plan (Base.withGrid [ "product: { train.batch: [32, 64] }" ]) []
              Expect.equal (WeightChart.render plan).Head "Loss weights over 30 epochs, at the first point of the grid" "title"
          } ]
