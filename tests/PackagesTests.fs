/// The messages of build.fsx if a build finds no packages.
module ChannelDistillation.Tests.PackagesTests

open System
open Expecto
open ChannelDistillation.Tests

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
        "packages that cannot be downloaded"
        [ test "A missing libtorch with CUDA is reported with the alternatives" {
              if OperatingSystem.IsMacOS() then
                  skiptest "another message there"

              Expect.equal
                  (Packages.missing "cuda" "cpu" cuda)
                  (Some
                      "libtorch with CUDA cannot be installed: its packages cannot be downloaded.
  Unable to find package TorchSharp-cuda-linux. No packages exist with this id in source(s): local
The build for cpu is unchanged and stays in use.
Alternatives (docs/gpu.md):
  - build on a machine that can download them, and copy the result here:
      dotnet publish dsl/Cli -c Release -r linux-x64 --self-contained -p:TorchBackend=cuda -o FOLDER
  - use an installed libtorch with CUDA, such as PyTorch's:
      dotnet fsi build.fsx build --backend external, then set TORCH_LIB=FOLDER for each command
  - train on the CPU: --device cpu")
                  "whole text"
          }

          test "Advisories of NuGet's audit are shown once each, without paths" {
              let advisory =
                  "Package 'SkiaSharp' 2.88.6 has a known high severity vulnerability, https://github.com/advisories/GHSA-j7hp-h8jx-5ppr"

              let output =
                  [ "runtime/R.csproj"; "dsl/D.fsproj" ]
                  |> List.map (fun project -> $"/home/ada/{project} : warning NU1903: {advisory} [/home/ada/cd/a.sln]\n")
                  |> String.concat ""

              Expect.equal (Packages.advisories output) [ $"NU1903: {advisory}" ] "once"
              Expect.isEmpty (Packages.advisories offline) "an error is none"
          }

          test "An advisory about a package does not break a build" {
              let props = System.IO.File.ReadAllText(System.IO.Path.Combine(Repository.root, "Directory.Build.props"))
              Expect.stringContains props "<WarningsNotAsErrors>NU1901;NU1902;NU1903;NU1904</WarningsNotAsErrors>" "a warning all the same"
          }

          for lockFile in System.IO.Directory.GetFiles(System.IO.Path.Combine(Repository.root, "dsl", "Cli"), "packages.*.lock.json") do
              test $"THIRD-PARTY-NOTICES.txt has every package of {System.IO.Path.GetFileName lockFile}" {
                  let notices = System.IO.File.ReadAllText(System.IO.Path.Combine(Repository.root, "THIRD-PARTY-NOTICES.txt"))
                  let locked = System.Text.Json.Nodes.JsonNode.Parse(System.IO.File.ReadAllText lockFile)

                  let missing =
                      [ for framework in locked["dependencies"].AsObject() do
                            for package in framework.Value.AsObject() do
                                match package.Value["resolved"] with
                                | null -> ()
                                | version ->
                                    // The packages of all platforms have the same licence.
                                    let isTorch = package.Key.StartsWith "libtorch" || package.Key.StartsWith "TorchSharp-cuda"

                                    if not (isTorch || notices.Contains $"{package.Key} {version}, ") then
                                        $"{package.Key} {version}" ]

                  Expect.isEmpty missing "add them with `dotnet fsi build.fsx notices`"
                  Expect.stringContains notices "libtorch-cpu-" "and libtorch"
              }

          test "A missing network is reported with the package sources" {
              Expect.equal
                  (Packages.missing "cpu" "cpu" offline)
                  (Some
                      "Packages that the build needs cannot be downloaded.
  Unable to load the service index for source https://example.org/index.json.
`dotnet nuget list source` lists the package sources; HTTPS_PROXY sets a proxy.")
                  "whole text"
          }

          test "A compile error is not a package problem" {
              Expect.isNone (Packages.missing "cpu" "cpu" "/home/ada/cd/a.fs(1,2): error FS0039: not defined [/home/ada/cd/a.fsproj]\n") "nothing"
          } ]
