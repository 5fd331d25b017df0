module ChannelDistillation.Tests.Runtime.Native.ExternalTorchTests

open System
open System.IO
open System.Runtime.InteropServices
open Expecto
open TorchSharp
open ChannelDistillation.Native
open ChannelDistillation.Tests

let private onLinux name body =
    test name {
        if not (OperatingSystem.IsLinux()) then
            skiptest "it is about Linux's libraries"

        body ()
    }

/// Files with this name that the process has mapped.
let private mapped (name: string) =
    File.ReadLines "/proc/self/maps"
    |> Seq.map (fun line -> line.Substring(line.IndexOf(' ') + 1))
    |> Seq.filter (fun line -> line.Contains '/')
    |> Seq.map (fun line -> line.Substring(line.IndexOf '/'))
    |> Seq.filter (fun path -> (nonNull (Path.GetFileName path)).Contains(name, StringComparison.Ordinal))
    |> Seq.distinct
    |> List.ofSeq

let private touch (folder: TemporaryFolder) (path: string) =
    let file = folder.File path
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
    File.WriteAllText(file, "")

[<Tests>]
let tests =
    testList
        "libtorch in use"
        [ onLinux "A process maps one libtorch and one LibTorchSharp, those of TORCH_LIB if it is set" (fun () ->
              use _ = torch.zeros 1L
              let libraries = [ for name in [ "libtorch_cpu.so"; "libc10.so"; "libLibTorchSharp.so" ] -> name, mapped name ]

              for name, files in libraries do
                  Expect.hasLength files 1 $"{name}: {files}"

              match Environment.GetEnvironmentVariable "TORCH_LIB" with
              | null
              | "" -> ()
              | folder ->
                  for name, files in libraries do
                      let expected = ExternalTorch.Target(Path.Combine(folder, name))
                      Expect.equal files [ expected ] "where it lies")

          onLinux "A folder of symbolic links is followed to the libraries" (fun () ->
              use folder = new TemporaryFolder()
              touch folder "real/libtorch_cpu.so"
              Directory.CreateSymbolicLink(folder.File "folder", folder.File "real") |> ignore
              Directory.CreateDirectory(folder.File "links") |> ignore
              File.CreateSymbolicLink(folder.File "links/libtorch_cpu.so", folder.File "folder/libtorch_cpu.so") |> ignore
              let real = folder.File "real/libtorch_cpu.so"
              Expect.equal (ExternalTorch.Target(folder.File "links/libtorch_cpu.so")) real "a link to a file"
              Expect.equal (ExternalTorch.Target(folder.File "folder/libtorch_cpu.so")) real "a link to a folder"
              Expect.equal (ExternalTorch.Target real) real "no link")

          onLinux "Libraries that cuDNN opens by name are found in libtorch's folder and in the pip packages beside it" (fun () ->
              use folder = new TemporaryFolder()

              for file in
                  [ "torch/lib/libtorch_cuda.so"
                    "torch/lib/libnvrtc-builtins-0a1b2c3d.so.12.8"
                    "nvidia/cu13/lib/libnvrtc.so.13"
                    "nvidia/cu13/lib/libnvrtc.alt.so.13"
                    "nvidia/cu13/lib/libnvrtc-builtins.so.13.0"
                    "nvidia/cu13/lib/libnvJitLink.so.13"
                    "nvidia/cudnn/lib/libcudnn.so.9"
                    "nvidia/empty/include/nvrtc.h" ] do
                  touch folder file

              Expect.equal
                  [ for file in CudaLibraries.In(folder.File "torch/lib") -> Path.GetRelativePath(folder.Path, file) ]
                  [ "torch/lib/libnvrtc-builtins-0a1b2c3d.so.12.8"
                    "nvidia/cu13/lib/libnvJitLink.so.13"
                    "nvidia/cu13/lib/libnvrtc-builtins.so.13.0"
                    "nvidia/cu13/lib/libnvrtc.so.13" ]
                  "files")

          onLinux "Libraries that cuDNN opens by name are loaded, and a file that is not a library is skipped" (fun () ->
              use folder = new TemporaryFolder()
              touch folder "torch/lib/libnvJitLink.so.13"
              let library = Directory.EnumerateFiles(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so") |> Seq.head
              File.Copy(library, folder.File "torch/lib/libnvrtc.so.13")
              CudaLibraries.Preload(folder.File "torch/lib")
              Expect.equal (mapped "libnvrtc.so.13") [ folder.File "torch/lib/libnvrtc.so.13" ] "mapped"
              Expect.isEmpty (mapped "libnvJitLink") "not a library") ]
