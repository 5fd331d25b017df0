module ChannelDistillation.Tests.Lab.Sweep.TeacherCheckTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Training

let private published = Base.text + "published:\n  rows: { teacher: { top1_error: 7.5 } }\n"

let private teacherOf plan = Teachers.ofPlan plan |> List.exactlyOne

let private warn (text: string) top1 =
    use folder = new TemporaryFolder()
    let plan = Base.plan text []
    TeacherCheck.warning (Workspace folder.Path) plan (teacherOf plan) (EpochErrors(0, top1, 1.0))

/// A student of torchvision's ResNet-34.
let private ofKnown =
    (Base.text,
     [ "fashion-mnist-mini", "imagenet"
       "resnet20", "resnet34"
       "teacher.pth", "resnet34-333f7ec4.pth"
       "resnet8", "resnet18" ])
    ||> List.fold (fun text (before, after) -> text.Replace(before, after))

[<Tests>]
let tests =
    testList
        "a teacher's own errors"
        [ test "The errors of a teacher are shown in one line" {
              let teacher = teacherOf (Base.plan Base.text [])

              Expect.equal
                  (TeacherCheck.row teacher (EpochErrors(0, 26.6864, 8.58)))
                  "Teacher resnet20: 26.69 % top-1 error, 8.58 % top-5 error."
                  "line"
          }

          test "Errors far from the published ones cause a warning with common causes" {
              Expect.equal
                  (warn published 9.25)
                  (Some(
                      "The teacher resnet20 has 9.25 % top-1 error here, but the experiment's `published` states 7.50 %. Common causes: another normalisation of "
                      + "the images than in its training (`dataset: { normalize: ... }`), another order of the classes, wrong weights, other images."
                  ))
                  "warning"
          }

          test "Errors near the published ones, or without published ones, cause no warning" {
              Expect.isNone (warn published 8.4) "near"
              Expect.isNone (warn Base.text 89.9) "nothing published"
          }

          test "Errors no better than chance cause a warning without published ones" {
              Expect.equal
                  (warn Base.text 90.0)
                  (Some(
                      "The teacher resnet20 has 90.00 % top-1 error here, which is no better than chance. Common causes: another normalisation of "
                      + "the images than in its training (`dataset: { normalize: ... }`), another order of the classes, wrong weights, other images."
                  ))
                  "warning"
          }

          test "The errors of a teacher trained by recipe are not compared" {
              let recipe = published.Replace("checkpoint: pretrain/teacher.pth", "train: { epochs: 1 }")
              Expect.isNone (warn recipe 90.0) "recipe"
          }

          test "The errors of a known teacher are compared with those of its source" {
              match warn ofKnown 99.9 with
              | Some warning ->
                  Expect.stringStarts
                      warning
                      "The teacher resnet34 has 99.90 % top-1 error here, but pretrain/teachers.yaml states 26.69 %."
                      "warning"
              | None -> failtest "no warning"
          }

          test "The table shows the errors of a known teacher beside those of the experiment's published rows, else of its source" {
              let published (text: string) =
                  let plan = Base.plan text []
                  Teachers.published plan (teacherOf plan)

              let row = published ofKnown |> Option.get
              Expect.equal (row.Top1Error, row.Top5Error) (Some 26.686, Some 8.58) "its source's"
              Expect.equal (published (ofKnown.Replace("pretrain/", "./pretrain/"))) (Some row) "however its path is written"
              Expect.stringStarts row.Source.Value "torchvision, ResNet34_Weights.IMAGENET1K_V1" "source"

              Expect.equal
                  (published (ofKnown + "published:\n  rows: { teacher: { top1_error: 26.73 } }\n") |> Option.bind _.Top1Error)
                  (Some 26.73)
                  "the experiment's"

              Expect.isNone (published Base.text) "somebody's own file"
          } ]
