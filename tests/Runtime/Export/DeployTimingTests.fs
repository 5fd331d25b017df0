module ChannelDistillation.Tests.Runtime.Export.DeployTimingTests

open System
open System.IO
open System.Threading
open Expecto
open Microsoft.Extensions.Time.Testing
open ChannelDistillation.Specs
open ChannelDistillation.Export
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Export.OnnxTests

[<Tests>]
let tests =
    testList
        "export: timing"
        [ test "Latency and throughput are medians of the clock" {
              requireRuntime ()
              // Each reading of the clock is two milliseconds after the one before.
              let clock = FakeTimeProvider(AutoAdvanceAmount = TimeSpan.FromMilliseconds 2.0)

              let networks =
                  [| for name in [ "resnet8"; "wrn16-1" ] -> struct (ModelSpec name, DatasetSpec(Name = "fashion-mnist-mini")) |]

              let costs = List.ofSeq (DeployTiming.Measure(networks, 1, clock, CancellationToken.None))
              Expect.equal [ for cost in costs -> cost.LatencyMs, cost.ImagesPerSecond ] [ 2.0, 16000.0; 2.0, 16000.0 ] "costs"
              // Four bytes for each of 77,754 parameters, without what folding removes, and a description.
              Expect.isTrue (costs[0].OnnxBytes > 300_000L && costs[0].OnnxBytes < 330_000L) $"{costs[0].OnnxBytes}"
          }

          test "deploy.json is read back, and a damaged one counts as missing" {
              use folder = new TemporaryFolder()
              Expect.isNull (Deployment.Read folder.Path) "none"
              let axes = readOnlyDict [ "losses.cd.weight", "3" ]
              let row = DeployedRow("cd", axes, 77_754L, 12_206_720L, DeployCost(313_000L, 0.43, 472.0))
              Deployment(2, "a CPU", "1.31.1", [| row |]).Write folder.Path
              let read = Deployment.Read folder.Path
              Expect.equal (read.Threads, read.Processor, read.OnnxRuntime) (2, "a CPU", "1.31.1") "machine"

              Expect.equal
                  [ for row in read.Rows -> row.Variant, List.ofSeq row.Axes, row.Parameters, row.Macs, row.Cost ]
                  [ "cd", List.ofSeq axes, 77_754L, 12_206_720L, row.Cost ]
                  "rows"

              File.WriteAllText(folder.File "deploy.json", "{\"threads\": 2}")
              Expect.isNull (Deployment.Read folder.Path) "damaged"
          } ]
