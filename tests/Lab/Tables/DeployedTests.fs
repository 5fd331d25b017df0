/// Tables with the speed of the networks in ONNX Runtime.
module ChannelDistillation.Tests.Lab.Tables.DeployedTests

open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Export
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Tests

let private student = Some { Parameters = 77_754L; MultiplyAdds = Some 12_206_720L }

let private layout =
    { TinyLayout.layout
          [ TinyLayout.row "student" [] student
            TinyLayout.row "cd" [ "losses.cd.weight", "3" ] student
            TinyLayout.row "wide" [] (Some { Parameters = 300_000L; MultiplyAdds = Some 40_000_000L }) ] with
        Dataset = "cifar10"
        Teachers =
            [ { Model = "resnet14"
                Axes = []
                Key = "a"
                Cost = Some { Parameters = 174_970L; MultiplyAdds = Some 26_362_496L }
                Errors = Some(EpochErrors(2, 14.5, 0.2))
                Published = None } ] }

let private results =
    let record: RunRecord =
        { Result = Some(RunResult(RunStatus.Completed, EpochErrors(2, 18.0, 0.4), EpochErrors(2, 18.0, 0.4)))
          Seconds = None }

    Results.collect (fun _ -> record) Provenance.nothing layout

let private measured variant axes parameters macs cost = DeployedRow(variant, readOnlyDict axes, parameters, macs, cost)

/// The network of `wide` was another one when it was measured.
let private options =
    let fast = DeployCost(312_902L, 0.38325, 1260.4777)

    { TableOptions.Default with
        Deployment =
            Some(
                Deployment(
                    2,
                    "a CPU",
                    "1.31.1",
                    [| measured "teacher" [] 174_970L 26_362_496L (DeployCost(702_613L, 0.78565, 61.28))
                       measured "student" [] 77_754L 12_206_720L fast
                       measured "cd" [ "losses.cd.weight", "3" ] 77_754L 12_206_720L fast
                       measured "wide" [] 77_754L 12_206_720L fast |]
                )
            ) }

[<Tests>]
let tests =
    testList
        "tables: deployment"
        [ test "The table has size, latency and throughput of the networks that were measured" {
              Expect.equal
                  (Markdown.tables options results)
                  ("""
| variant | top-1 error | top-5 error | best top-1 | seeds | parameters |   MACs | ONNX size | latency | images/s |
|---------|------------:|------------:|-----------:|------:|-----------:|-------:|----------:|--------:|---------:|
| teacher |       14.50 |        0.20 |            |       |      175 k | 26.4 M |   0.70 MB | 0.79 ms |     61.3 |
| student |       18.00 |        0.40 |      18.00 |     1 |     77.8 k | 12.2 M |   0.31 MB | 0.38 ms |     1260 |
| cd      |       18.00 |        0.40 |      18.00 |     1 |     77.8 k | 12.2 M |   0.31 MB | 0.38 ms |     1260 |
| wide    |       18.00 |        0.40 |      18.00 |     1 |      300 k | 40.0 M |           |         |          |
"""
                      .TrimStart
                      '\n')
                  "whole table"

              Expect.contains
                  (Caption.lines options results)
                  ("`ONNX size`, `latency` and `images/s`: ONNX Runtime 1.31.1, 2 threads, a CPU; `latency` is the median time for one image, "
                   + "`images/s` the throughput with batches of 32. The networks were measured in turn.")
                  "caption"
          }

          test "CSV and JSON have the measurements, and no other output has them" {
              let lines = (Csv.render options results).Split '\n'
              Expect.stringEnds lines[0] ",onnx_bytes,latency_ms,images_per_second" "header"
              Expect.stringEnds lines[1] ",702613,0.78565,61.28" "teacher"
              Expect.stringEnds lines[4] ",,," "another network"
              let json = JsonNode.Parse(Json.render options results)
              Expect.equal (json["deploy"].ToJsonString()) """{"onnx_runtime":"1.31.1","threads":2,"processor":"a CPU"}""" "machine"

              let deployed (row: int) = json["rows"].AsArray().[row].["deploy"]

              Expect.equal ((deployed 1).ToJsonString()) """{"onnx_bytes":312902,"latency_ms":0.38325,"images_per_second":1260.4777}""" "student"

              Expect.isNull (deployed 3) "another network"
              Expect.isFalse ((Json.render TableOptions.Default results).Contains "deploy") "JSON without it"
              Expect.isFalse ((Csv.render TableOptions.Default results).Contains "latency") "CSV without it"
          } ]
