module ChannelDistillation.Tests.Lab.Runs.DeploymentsTests

open System
open System.IO
open System.Threading
open Expecto
open Microsoft.Extensions.Time.Testing
open ChannelDistillation.Specs
open ChannelDistillation.Models
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Tables
open ChannelDistillation.Tests.Runtime.Training

let private costOf (model: string) =
    let cost = ModelCost.Of(CountedModel.Of(ModelSpec model, TinyTraining.dataset))
    Some { Parameters = cost.Parameters; MultiplyAdds = Option.ofNullable cost.MultiplyAdds }

let private row variant cost = TinyLayout.row variant [] cost

let private layout =
    { TinyLayout.layout
          [ row "student" (costOf "resnet8")
            row "kd" (costOf "resnet8")
            row "residual-kd" (costOf "resnet8-assisted")
            row "scripted" (Some { Parameters = 100L; MultiplyAdds = None })
            row "not started" (costOf "resnet8") ] with
        Dataset = "fashion-mnist-mini"
        Teachers = [ { Model = "resnet14"; Axes = []; Key = "a"; Cost = costOf "resnet14"; Errors = None; Published = None } ] }

let private measure (folder: TemporaryFolder) =
    let results = Results.collect (fun _ -> RunRecord.Nothing) Provenance.nothing layout
    // Each reading of the clock is two milliseconds after the one before.
    let clock = FakeTimeProvider(AutoAdvanceAmount = TimeSpan.FromMilliseconds 2.0)
    Deployments.measure 1 clock CancellationToken.None folder.Path results

[<Tests>]
let tests =
    testList
        "measuring the networks of an experiment"
        [ test "The networks of started runs and of their teacher are measured, each once" {
              Runtime.Export.OnnxTests.requireRuntime ()
              use folder = new TemporaryFolder()
              let variants = dict (TinyTraining.variants 1)

              let withLoss name =
                  TinyTraining.spec TinyTraining.teacher (TinyTraining.train 1 0.05) [ TinyTraining.loss name 1.0 TinyTraining.always ]

              for name, spec in [ "student", variants["student"]; "kd", variants["kd"]; "residual-kd", withLoss "residual-kd" ] do
                  RunFolder(folder.File name).WriteStart(name, spec, "cpu", struct (1, 0))

              Directory.CreateDirectory(folder.File "scripted") |> ignore
              let sha256 = String('0', 64)

              File.WriteAllText(
                  folder.File "scripted/run.json",
                  $"""{{"spec": {{"dataset": {{"name": "fashion-mnist-mini"}}, "student": {{"torchscript": "a.pt", "sha256": "{sha256}"}}}}}}"""
              )

              let deployment = (measure folder).Value
              let sizes = dict [ for row in deployment.Rows -> row.Variant, row.Cost.OnnxBytes ]
              Expect.equal (List.ofSeq sizes.Keys) [ "teacher"; "student"; "kd"; "residual-kd" ] "rows"
              Expect.equal sizes["kd"] sizes["student"] "one network"
              Expect.isGreaterThan sizes["teacher"] sizes["student"] "the teacher's network"
              Expect.isGreaterThan sizes["residual-kd"] (3L * sizes["student"] / 2L) "a student and its assistant"
              Expect.equal [ for row in deployment.Rows -> row.Cost.LatencyMs ] [ 2.0; 2.0; 2.0; 2.0 ] "latency"

              Expect.equal
                  [ for row in (Deployment.Read folder.Path).Rows -> row.Variant, row.Cost ]
                  [ for row in deployment.Rows -> row.Variant, row.Cost ]
                  "stored"
          }

          test "Nothing is measured before a run has started" {
              use folder = new TemporaryFolder()
              Expect.isNone (measure folder) "nothing"
              Expect.isEmpty (Directory.GetFiles folder.Path) "no file"
          } ]
