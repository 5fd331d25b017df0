module ChannelDistillation.Tests.Native.TorchContextTests

open Expecto
open TorchSharp
open ChannelDistillation.Native

[<Tests>]
let tests =
    // The settings are the whole process's.
    testSequenced
    <| testList
        "settings of libtorch"
        [ test "are set and read by their names in the library, and are off unless they are asked for" {
              if System.OperatingSystem.IsLinux() then
                  let current () = TorchContext.Current() |> Option.ofNullable
                  let off = Some(struct (false, false))
                  Expect.equal (current ()) off "at first"

                  try
                      Expect.isTrue (TorchContext.BenchmarkCuDnn true) "benchmark"
                      Expect.equal (current ()) (Some(struct (true, false))) "benchmark only"
                      Expect.isTrue (TorchContext.Deterministic true) "deterministic"
                      Expect.equal (current ()) (Some(struct (true, true))) "both"
                  finally
                      TorchContext.BenchmarkCuDnn false |> ignore
                      TorchContext.Deterministic false |> ignore

                  Expect.equal (current ()) off "at the end"
          }

          test "stay as they are for training on the processor, and are no part of its record" {
              let tf32 = torch.backends.cudnn.allow_tf32
              GpuSettings(Deterministic = true, Tf32 = false).Apply "cpu"
              Expect.isNull GpuSettings.Recorded "not recorded"
              Expect.equal torch.backends.cudnn.allow_tf32 tf32 "TF32"

              if System.OperatingSystem.IsLinux() then
                  Expect.equal (TorchContext.Current() |> Option.ofNullable) (Some(struct (false, false))) "deterministic"
          } ]
