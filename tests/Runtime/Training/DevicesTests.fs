module ChannelDistillation.Tests.Runtime.Training.DevicesTests

open System
open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli

let private touch (folder: TemporaryFolder) (path: string) =
    let file = folder.File path
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
    File.WriteAllText(file, "")

let private withoutGpu =
    lazy
        if NvidiaGpus.AreHere() || torch.cuda.is_available () then
            skiptest "this machine has a GPU"

let private noGpu (device: string) =
    $"The device {device} is not available. This machine has no NVIDIA GPU or no driver, and this build is for the CPU.\nTo train on the CPU: --device cpu"

[<Tests>]
let tests =
    testList
        "devices"
        [ test "A GPU is detected by its driver's files, and these alone are not one" {
              if OperatingSystem.IsWindows() then
                  skiptest "Windows shows it in another way"

              use folder = new TemporaryFolder()
              Expect.isFalse (NvidiaGpus.AreHere folder.Path) "no files at all"
              touch folder "dev/nvidiactl"
              touch folder "dev/nvidia-uvm"
              Expect.isFalse (NvidiaGpus.AreHere folder.Path) "a driver without a GPU"
              touch folder "dev/nvidia3"
              Expect.isTrue (NvidiaGpus.AreHere folder.Path) "a GPU"
              use other = new TemporaryFolder()
              touch other "proc/driver/nvidia/gpus/0000:01:00.0/information"
              Expect.isTrue (NvidiaGpus.AreHere other.Path) "a GPU, in a container without its device"
          }

          test "A GPU that does not exist is reported with what the machine has" {
              withoutGpu.Value

              for device in [ "cuda"; "cuda:3" ] do
                  Expect.throwsC (fun () -> Devices.Choose device |> ignore) (fun error ->
                      Expect.equal (error.GetType(), error.Message) (typeof<MissingException>, noGpu device) "whole message")

              Expect.equal (Devices.Choose "auto") "cpu" "auto takes what is there"
              Expect.isNull (Devices.Hint "auto") "and nothing is to be said"
          }

          test "A sweep on GPUs that do not exist exits with 3 and starts nothing" {
              withoutGpu.Value
              use folder = new TemporaryFolder()

              File.WriteAllText(
                  folder.File "small.yaml",
                  "experiment: small
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train: { epochs: 1, batch: 250, optimizer: { sgd: { lr: 0.05 } }, lr_schedule: constant }
losses: { ce: {} }
variants: { plain: [ce] }
seeds: [0]
"
              )

              for device, missing in [ "cuda", "cuda"; "cuda:1,2", "cuda:1" ] do
                  let code, text = CommandLine.run folder.Path [ "sweep"; "small.yaml"; "--out"; "runs"; "--device"; device ]
                  Expect.equal (code, text) (3, noGpu missing + "\n") device
                  Expect.isEmpty (Directory.GetDirectories(folder.File "runs/small")) "no run"
          } ]
