module ChannelDistillation.Tests.Runtime.Native.TorchContextTests

open System
open System.Reflection
open System.Runtime.InteropServices
open System.Runtime.Loader
open Expecto
open TorchSharp
open ChannelDistillation.Native
open ChannelDistillation.Runs
open ChannelDistillation.Training

/// The runtime with a libtorch that lacks the symbols of its settings, as on Windows: it finds the C library instead.
type private OtherNames() =
    inherit AssemblyLoadContext("other names")
    member this.Runtime = this.LoadFromAssemblyPath typeof<GpuSettings>.Assembly.Location

    override _.LoadUnmanagedDll name =
        if name = "torch_cpu" then
            NativeLibrary.Load(
                if OperatingSystem.IsWindows() then "kernel32"
                elif OperatingSystem.IsMacOS() then "libSystem"
                else "libc.so.6"
            )
        else
            IntPtr.Zero

let private call (runtime: Assembly) (name: string) (method: string) (arguments: obj list) =
    let flags = BindingFlags.Static ||| BindingFlags.Public ||| BindingFlags.NonPublic
    let found = nonNull (runtime.GetType $"ChannelDistillation.Native.{name}")
    (nonNull (found.GetMethod(method, flags))).Invoke(null, List.toArray arguments)

[<Tests>]
let tests =
    // The settings are global to the process.
    testSequenced
    <| testList
        "settings of libtorch"
        [ test "The settings are read and set by symbol, and are off by default" {
              if OperatingSystem.IsLinux() then
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

          test "The settings switch NNPACK and oneDNN off and on for the CPU" {
              if OperatingSystem.IsLinux() then
                  let libraries () = TorchContext.CpuLibraries() |> Option.ofNullable

                  try
                      Expect.isTrue (TorchContext.UseNnpack true) "NNPACK"
                      Expect.equal (libraries ()) (Some(struct (true, true))) "both"
                      Devices.UseOneDnn false
                      Expect.equal (libraries ()) (Some(struct (true, false))) "NNPACK only"
                      Expect.equal (string (Machine.Hardware("cpu")["onednn"])) "false" "in a run's record"
                      TorchContext.UseNnpack false |> ignore
                      Expect.equal (libraries ()) (Some(struct (false, false))) "neither"
                  finally
                      TorchContext.UseNnpack false |> ignore
                      Devices.UseOneDnn true

                  Expect.equal (libraries ()) (Some(struct (false, true))) "as this program computes"
                  Expect.isNull (Machine.Hardware("cpu")["onednn"]) "in the record of any other run"
          }

          test "libtorch's warnings do not reach standard error unless TORCH_CPP_LOG_LEVEL is set" {
              NativeWarnings.Silence()

              if OperatingSystem.IsLinux() && isNull (Environment.GetEnvironmentVariable "TORCH_CPP_LOG_LEVEL") then
                  let library = NativeLibrary.Load("c10", typeof<GpuSettings>.Assembly, Nullable())
                  let level = Marshal.ReadInt32(NativeLibrary.GetExport(library, "FLAGS_caffe2_log_level"))
                  Expect.equal level 2 "errors alone"
                  Expect.equal (TorchContext.CpuLibraries() |> Option.ofNullable) (Some(struct (false, true))) "NNPACK is never asked for"
          }

          test "The settings are unchanged for training on the CPU, and not part of its record" {
              let tf32 = torch.backends.cudnn.allow_tf32
              GpuSettings(Deterministic = true, Tf32 = false).Apply "cpu"
              Expect.isNull GpuSettings.Recorded "not recorded"
              Expect.equal torch.backends.cudnn.allow_tf32 tf32 "TF32"

              if OperatingSystem.IsLinux() then
                  Expect.equal (TorchContext.Current() |> Option.ofNullable) (Some(struct (false, false))) "deterministic"
          }

          test "The settings of a library without the symbols are unchanged, and nothing fails" {
              let runtime = OtherNames().Runtime
              Expect.equal (call runtime "TorchContext" "BenchmarkCuDnn" [ true ]) (box false) "benchmark"
              Expect.equal (call runtime "TorchContext" "Deterministic" [ true ]) (box false) "deterministic"
              Expect.isNull (call runtime "TorchContext" "Current" []) "what is set"
              Expect.equal (call runtime "TorchContext" "UseNnpack" [ false ]) (box false) "NNPACK"
              Expect.equal (call runtime "TorchContext" "UseOneDnn" [ false ]) (box false) "oneDNN"
              Expect.isNull (call runtime "TorchContext" "CpuLibraries" []) "what the CPU computes with"
              Expect.equal (call runtime "Dispatcher" "get_HasAddresses" []) (box false) "addresses of tensors"
              Expect.equal (call runtime "Dispatcher" "HasFusedSgd" [ torch.CPU ]) (box false) "the fused step of SGD"
          }

          test "A libtorch without the fused SGD step is reported once, and recorded with the run" {
              let runtime = OtherNames().Runtime

              let remark () =
                  (nonNull (runtime.GetType "ChannelDistillation.Training.MomentumSgd")).GetMethod("Remark").Invoke(null, [| torch.CPU |])

              let expected =
                  "This libtorch has no fused SGD step for cpu (`aten::_fused_sgd_`). Parameters are updated one by one; training is slower."

              Expect.equal (remark (), remark ()) (box expected, null) "remarks"

              let hardware =
                  (nonNull (runtime.GetType "ChannelDistillation.Runs.Machine")).GetMethod("Hardware").Invoke(null, [| "cpu"; null |])
                  :?> System.Text.Json.Nodes.JsonObject

              Expect.equal (string hardware["fused_sgd"]) "false" "in a run's record"
              Expect.isNull (Machine.Hardware("cpu")["fused_sgd"]) "in the record of any other run"
          } ]
