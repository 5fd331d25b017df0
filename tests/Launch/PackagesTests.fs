/// What build.fsx says where a build finds no packages.
module ChannelDistillation.Tests.Launch.PackagesTests

open System
open Expecto

let private cuda =
    "/home/ada/cd/dsl/Cli/ChannelDistillation.Cli.fsproj : error NU1101: Unable to find package TorchSharp-cuda-linux. No packages exist with this id in source(s): local [/home/ada/cd/ChannelDistillation.sln]
/home/ada/cd/dsl/Cli/ChannelDistillation.Cli.fsproj : error NU1101: Unable to find package TorchSharp-cuda-linux. No packages exist with this id in source(s): local

Build FAILED.
"

let private offline =
    "/home/ada/cd/tests/T.fsproj : error NU1301: Unable to load the service index for source https://example.org/index.json. [/home/ada/cd/a.sln]\n"

[<Tests>]
let tests =
    testList
        "packages that cannot be had"
        [ test "libtorch with CUDA: what was looked for, and what to do" {
              if OperatingSystem.IsMacOS() then
                  skiptest "another message there"

              Expect.equal
                  (Packages.missing "cuda" "cpu" cuda)
                  (Some
                      "libtorch with CUDA cannot be had: its packages are not in reach.
  Unable to find package TorchSharp-cuda-linux. No packages exist with this id in source(s): local
The build for cpu is as it was, and still the one that is used.
What can be done (docs/gpu.md):
  - build where a package source has them, and bring the result here:
      dotnet publish dsl/Cli -c Release -r linux-x64 --self-contained -p:TorchBackend=cuda -o FOLDER
  - use a libtorch with CUDA that is here already, of a PyTorch for instance:
      dotnet fsi build.fsx build --backend external, and TORCH_LIB=FOLDER at each command
  - train on the processor: --device cpu")
                  "whole text"
          }

          test "no network" {
              Expect.equal
                  (Packages.missing "cpu" "cpu" offline)
                  (Some
                      "Packages that the build needs are not in reach.
  Unable to load the service index for source https://example.org/index.json.
`dotnet nuget list source` shows where packages are looked for; HTTPS_PROXY names a proxy.")
                  "whole text"
          }

          test "a mistake in a source is none of that" {
              Expect.isNone (Packages.missing "cpu" "cpu" "/home/ada/cd/a.fs(1,2): error FS0039: not defined [/home/ada/cd/a.fsproj]\n") "nothing"
          } ]
