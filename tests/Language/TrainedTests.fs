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
          | UnusedLoss _ -> ()
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
