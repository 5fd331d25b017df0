module ChannelDistillation.Tests.PublishedTests

open Expecto
open ChannelDistillation.Dsl

/// Top-1 and top-5 error in percent, as the tables of arXiv 2006.01683 have them.
let private tables =
    let imagenet =
        [ "teacher", (26.73, 8.74)
          "student", (30.43, 10.76)
          "kd", (29.50, 9.52)
          "cd", (28.53, 9.56)
          "cd+gkd", (28.26, 9.41)
          "cd+gkd+edt", (27.61, 9.2) ]

    [ "cifar100-ablation",
      [ "teacher", (19.09, 4.45)
        "student", (22.02, 5.74)
        "kd", (20.36, 4.94)
        "cd", (20.08, 4.78)
        "cd+gkd", (19.49, 4.85)
        "cd+gkd+edt", (18.63, 4.29) ]
      "imagenet-ablation", imagenet
      "imagenet-comparison", imagenet @ [ "fitnets", (29.34, 10.77); "at", (29.30, 10.00); "residual-kd", (28.46, 9.74) ]
      "quickstart", []
      "fashion-mnist-ablation", []
      "fashion-mnist-methods", [] ]

[<Tests>]
let tests =
    testList
        "published numbers"
        [ test "every shipped experiment has its table here" { Expect.equal (set (List.map fst tables)) (set ShippedTests.names) "experiments" }

          for name, expected in tables do
              test $"{name} shows those of the paper and no others" {
                  let rows =
                      match (ShippedTests.plan name).Experiment.Published with
                      | Some published -> [ for name, row in published.Rows -> name, (row.Top1Error, row.Top5Error) ]
                      | None -> []

                  Expect.equal (Map.ofList rows) (Map.ofList [ for name, (top1, top5) in expected -> name, (Some top1, Some top5) ]) "rows"
                  Expect.equal rows.Length expected.Length "each once"
              } ]
