/// Warnings and checks apply to the planned runs, not to the file before its grid is applied.
module ChannelDistillation.Tests.TrainedTests

open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Planning

/// The example with other variants and a grid.
let private text (variants: string list) (grid: string list) =
    let head = Base.text.Substring(0, Base.text.IndexOf "variants:")
    let lines = [ for line in variants -> "  " + line ]
    let grid = if grid.IsEmpty then [] else "grid:" :: [ for line in grid -> "  " + line ]
    head + System.String.Join("\n", "variants:" :: lines @ [ "seeds: [0]" ] @ grid) + "\n"

let private found (problems: Problem list) =
    [ for problem in problems do
          match problem.Diagnostic with
          | UnusedLosses _ -> ()
          | mistake -> mistake, problem.Place |> Option.map _.Line ]

let private lineOf (part: string) (text: string) = text.Substring(0, text.IndexOf part).Split('\n').Length
let private edt = [ "student: [ce]"; "edt: { losses: [ce, cd], edt: cifar }"; "other: { losses: [kd, cd], edt: cifar }" ]

[<Tests>]
let tests =
    testList
        "language: planned runs"
        [ test "A schedule that is too long for an axis value is reported at that value" {
              let text = (text edt [ "product:"; "  train.epochs:"; "    - 50"; "    - 200" ]).Replace("epochs: 30\n", "epochs: 200\n")

              Expect.equal
                  (found (Base.warnings text))
                  [ ScheduleTooLong("edt", 50, [ Start("ce", 60); Decaying("cd", 60); Decaying("cd", 160) ], [ "other" ]), Some(lineOf "- 50" text) ]
                  "warnings"
          }

          test "A schedule that fits into every planned run gives no warning" {
              let text = text edt [ "product: { train.epochs: [200, 300] }" ]
              Expect.isEmpty (found (Base.warnings text)) "warnings"
              Expect.isNonEmpty (Base.warnings (text.Replace("200, 300", "30, 300"))) "with the epochs of the file"
          }

          test "A loss that starts too late for an axis value is reported at that value" {
              let text = text [ "kd: [ce, kd]" ] [ "product:"; "  losses.kd.start_after:"; "    - 0"; "    - 30" ]
              Expect.equal (found (Base.warnings text)) [ ScheduleTooLong("kd", 30, [ Start("kd", 30) ], []), Some(lineOf "- 30" text) ] "warnings"
          }

          test "A learning rate that never changes is reported for the planned runs" {
              let text = text [ "student: [ce]" ] [ "product: { train.epochs: [30, 20] }" ]
              Expect.equal (found (Base.warnings text) |> List.map fst) [ LearningRateStepAfterEnd(20, 20) ] "warnings"
              Expect.isEmpty (found (Base.warnings (text.Replace("[30, 20]", "[30, 40]")))) "none"
          }

          test "A loss whose weight decays to 0 at once is reported" {
              let text = text [ "student: [ce: { decay: { linear: { until: 1 } } }]" ] []
              Expect.equal (found (Base.warnings text)) [ WeightAlwaysZero("ce", "student", 30, []), Some(lineOf "student: [ce" text) ] "warnings"
          }

          test "A warm-up of a loss that is longer than training is reported, also a loss's default" {
              let text = (text [ "dkd: [ce, dkd]" ] []).Replace("epochs: 30\n", "epochs: 10\n").Replace("  cd: {", "  dkd: {}\n  cd: {")

              Expect.equal
                  (found (Base.warnings text))
                  [ LearningRateStepAfterEnd(10, 10), Some(lineOf "lr_schedule" text)
                    ScheduleTooLong("dkd", 10, [ Growing("dkd", 20) ], []), Some(lineOf "dkd: [ce, dkd]" text) ]
                  "warnings"
          }

          test "A weight of 0 is reported, except on an axis" {
              let fixed' = text [ "cd: [ce, cd: { weight: 0 }]" ] []
              Expect.equal (found (Base.warnings fixed')) [ ZeroWeight("cd", "cd", []), Some(lineOf "weight: 0" fixed') ] "in a variant"
              Expect.isEmpty (found (Base.warnings (text [ "cd: [ce, cd]" ] [ "product: { losses.cd.weight: [0, 1] }" ]))) "on an axis"
          }

          test "Variants without any weight train nothing, which is a problem" {
              let text =
                  text [ "student: [ce]"; "kd: [ce, kd: { weight: 0 }]"; "cd: [cd]" ] [ "product:"; "  losses.ce.weight:"; "    - 0"; "    - 1" ]

              Expect.equal
                  (found (Base.problems text []))
                  [ NothingTrained("student", [ "kd" ]), Some(lineOf "- 0" text) ]
                  "at the weight of the axis"

              let text = Base.text.Replace("weight: 1 }\n  kd", "weight: 0 }\n  kd")
              Expect.equal (found (Base.problems text [])) [ NothingTrained("student", []), Some(lineOf "ce: { weight: 0" text) ] "in the file"
          }

          test "A loss whose weight is 0 at first and rises later trains" {
              let text = text [ "student: [ce: { start_after: 5 }]"; "kd: [ce, kd: { warmup: 10 }]" ] []
              Expect.isEmpty (found (Base.warnings text)) "warnings"
          }

          test "A batch larger than the training set is reported once" {
              let text = text [ "student: [ce]"; "kd: [ce, kd]" ] [ "product:"; "  train.batch:"; "    - 10000"; "    - 10001" ]

              Expect.equal
                  (found (Base.warnings text))
                  [ BatchLargerThanDataset(10001, 10000), Some(lineOf "- 10001" text) ]
                  "images of fashion-mnist-mini"

              Expect.isNonEmpty
                  (found (Base.warnings (text.Replace("fashion-mnist-mini", "{ name: fashion-mnist-mini, validation: 0.1 }"))))
                  "held out"
          }

          test "A learning rate above 1 without warm-up is reported" {
              let text = (text [ "student: [ce]" ] []).Replace("lr: 0.1", "lr: 10")
              Expect.equal (found (Base.warnings text)) [ LargeLearningRate 10.0, Some(lineOf "lr: 10" text) ] "without"
              let warmed = text.Replace("lr_schedule: {", "lr_schedule: { warmup: { epochs: 5 },")
              Expect.isEmpty (found (Base.warnings warmed)) "with"
          }

          test "An entry of exclude whose axes its variants do not use is reported" {
              let axes = "product: { losses.cd.weight: [1, 3] }"
              let text = text [ "student: [ce]"; "cd: [ce, cd]" ] [ axes; "exclude:"; "  - { variant: student, losses.cd.weight: 3 }" ]
              Expect.equal (found (Base.warnings text)) [ ExcludesNoRun [ "losses.cd.weight" ], Some(lineOf "- { variant" text) ] "of another variant"
              Expect.isEmpty (found (Base.warnings (text.Replace("variant: student, ", "")))) "of all variants"
          }

          test "Losses that no variant uses give one warning, those of a base file none" {
              let unused text = Base.warnings text |> List.map _.Diagnostic |> List.filter _.IsUnusedLosses
              Expect.equal (unused (text [ "student: [ce]" ] [])) [ UnusedLosses [ "kd"; "cd" ] ] "own"

              use folder = new TemporaryFolder()
              System.IO.File.WriteAllText(folder.File "base.yaml", Base.text)
              let file = folder.File "own.yaml"
              System.IO.File.WriteAllText(file, "extends: base.yaml\nexperiment: own\nvariants: { kd: , cd: }\n")

              match Experiments.load file [] false with
              | Ok(plan, warnings) -> Expect.equal (plan.Rows.Length, warnings) (1, []) "inherited"
              | Error problems -> failtest $"{problems}"
          }

          test "A pair of networks that the grid replaces is not checked" {
              let pair = "zip: [{ teacher.model: [resnet20, resnet34], student.model: [resnet8, resnet18] }]"
              let text = (text [ "cd: [ce, cd]" ] [ pair ]).Replace("student: { model: resnet8 }", "student: { model: resnet18 }")
              Expect.equal (Base.plan text []).Rows.Length 2 "rows"

              match Base.problems (text.Replace("resnet20, resnet34]", "resnet20, resnet56]")) [] |> List.map _.Diagnostic with
              | [ CannotPair("resnet18", "resnet56", [ "cd", _, _ ]) ] -> ()
              | other -> failtest $"{other}"
          }

          test "A known teacher and its network with its checkpoint give the same runs" {
              let imagenet teacher =
                  let text = Base.text.Replace("{ model: resnet20, checkpoint: pretrain/teacher.pth }", teacher)

                  Base.plan (text.Replace("fashion-mnist-mini", "imagenet").Replace("resnet8", "resnet18")) []
                  |> _.Runs
                  |> List.map (_.Spec >> ChannelDistillation.Specs.SpecJson.Hash)

              let described = "{ model: resnet34, checkpoint: pretrain/resnet34-333f7ec4.pth"
              Expect.equal (imagenet "resnet34-imagenet") (imagenet (described + " }")) "by its name"
              Expect.equal (imagenet "{ known: resnet34-imagenet }") (imagenet (described + " }")) "in a mapping"

              Expect.equal
                  (imagenet "{ known: resnet34-imagenet, batch_norm: batch_stats }")
                  (imagenet (described + ", batch_norm: batch_stats }"))
                  "with settings"

              let grid = imagenet ("resnet34-imagenet\ngrid:\n  product:\n    teacher: [resnet34-imagenet, " + described + " }]")
              Expect.equal grid (imagenet "resnet34-imagenet") "one run, although it is given twice"
          }

          test "`--set` can replace a teacher in every notation" {
              let text = Base.text.Replace("fashion-mnist-mini", "imagenet").Replace("resnet8", "resnet18")

              let described =
                  text.Replace("{ model: resnet20, checkpoint: pretrain/teacher.pth }", "{ model: resnet50, checkpoint: x.pth }")

              let known = text.Replace("{ model: resnet20, checkpoint: pretrain/teacher.pth }", "resnet34-imagenet")
              let teacher (plan: Plan) = (List.last plan.Runs).Spec.Teacher
              let wanted = ChannelDistillation.Teachers.KnownTeacherCatalog.Find("resnet34-imagenet").Spec
              let plain = ChannelDistillation.Specs.TeacherBatchNorm.RunningStats
              let batch = ChannelDistillation.Specs.TeacherBatchNorm.BatchStats
              Expect.equal (teacher (Base.plan described [ "teacher", "resnet34-imagenet" ])) (wanted plain) "by its name"
              Expect.equal (teacher (Base.plan described [ "teacher.known", "resnet34-imagenet" ])) (wanted plain) "by its key"
              Expect.equal (teacher (Base.plan known [ "teacher.batch_norm", "batch_stats" ])) (wanted batch) "a setting of a known one"
              let own = teacher (Base.plan known [ "teacher.model", "resnet50"; "teacher.checkpoint", "x.pth" ])
              Expect.equal own.Checkpoint "x.pth" "described instead"
          }

          test "Teachers can come from an axis alone" {
              let none = Base.text.Replace("teacher: { model: resnet20, checkpoint: pretrain/teacher.pth }", "teacher: none")

              let text =
                  none + "grid:\n  product: { teacher: [{ model: resnet20, train: {} }, { model: resnet56, checkpoint: a.pth }] }\n"

              Expect.equal ((Base.plan text []).Rows |> List.map _.Variant) [ "student"; "kd"; "kd"; "cd"; "cd" ] "rows"

              match Base.problems (text.Replace("[{ model", "[none, { model")) [] |> List.map _.Diagnostic with
              | [ NoTeacher("kd", "kd", [ "cd" ]) ] -> ()
              | other -> failtest $"{other}"
          }

          test "Excluded variants need no teacher" {
              let none = Base.text.Replace("teacher: { model: resnet20, checkpoint: pretrain/teacher.pth }", "teacher: none")
              Expect.equal ((Base.plan (none + "grid:\n  exclude: [{ variant: [kd, cd] }]\n") []).Rows.Length) 1 "rows"

              match Base.problems (none + "grid:\n  exclude: [{ variant: cd }]\n") [] with
              | [ { Diagnostic = NoTeacher("kd", "kd", _); Place = Some place } ] -> Expect.equal place.Line (lineOf "kd: [ce, kd]" none) "line"
              | other -> failtest $"{other}"
          } ]
