module ChannelDistillation.Tests.Launch.ComputingTests

open Expecto
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Native

[<Tests>]
let tests =
    testList
        "how a device computes"
        [ test "another process is told what is not the standard" {
              let told gpu fit = Computing.arguments 4 { Gpu = gpu; FitLanes = fit }
              Expect.equal (Computing.arguments 16 Computing.standard) [] "the standard"
              Expect.equal (told (GpuSettings()) false) [ "--lanes"; "4" ] "lanes that somebody chose"
              Expect.equal (told (GpuSettings(Deterministic = true)) true) [ "--deterministic" ] "deterministic"
              Expect.equal (told (GpuSettings(true, false)) false) [ "--lanes"; "4"; "--deterministic"; "--tf32"; "off" ] "all"
          }

          test "the processor is chosen whatever a GPU is told" {
              Expect.equal (Computing.choose "cpu" { Gpu = GpuSettings(true, false); FitLanes = true }) "cpu" "device"
          } ]
