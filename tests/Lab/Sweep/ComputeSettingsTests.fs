module ChannelDistillation.Tests.Lab.Sweep.ComputeSettingsTests

open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Native
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep

[<Tests>]
let tests =
    testList
        "how a device computes"
        [ test "Another process receives the options that differ from the defaults" {
              let told gpu fit = ComputeSettings.arguments 4 { Gpu = gpu; Layout = LayoutRequest.Kept; FitLanes = fit }
              Expect.equal (ComputeSettings.arguments 16 ComputeSettings.standard) [] "the standard"
              Expect.equal (told (GpuSettings()) false) [ "--lanes"; "4" ] "lanes that somebody chose"
              Expect.equal (told (GpuSettings(Deterministic = true)) true) [ "--deterministic" ] "deterministic"
              Expect.equal (told (GpuSettings(true, false)) false) [ "--lanes"; "4"; "--deterministic"; "--tf32"; "off" ] "all"

              for request, name in
                  [ LayoutRequest.Auto, "auto"
                    LayoutRequest.ChannelsLast, "channels-last"
                    LayoutRequest.Contiguous, "contiguous" ] do
                  Expect.equal (ComputeSettings.arguments 16 { ComputeSettings.standard with Layout = request }) [ "--layout"; name ] name
          }

          test "The CPU is selected whatever the GPU settings are" {
              Expect.equal
                  (ComputeSettings.choose "cpu" { Gpu = GpuSettings(true, false); Layout = LayoutRequest.Kept; FitLanes = true })
                  "cpu"
                  "device"
          }

          test "A GPU is refused for a layout that it does not support" {
              Expect.throwsC
                  (fun () -> ComputeSettings.choose "cuda:0" { ComputeSettings.standard with Layout = LayoutRequest.Contiguous } |> ignore)
                  (function
                   | UsageError message ->
                       Expect.equal message "--layout contiguous is only for the CPU; networks on cuda:0 are channels-last." "message"
                   | other -> failtestf "%O" other)
          } ]
