/// Makes an archive for a Linux machine without .NET and network: programs, tests and benchmarks for the libtorch in TORCH_LIB.
module Publishing

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Security.Cryptography
open Programs
open Stamps
open Building

[<DllImport("libc", EntryPoint = "link", SetLastError = true)>]
extern int private link(string existing, string created)

let private mebibyte = 1048576.0

/// Maximum size of the archive in MiB; docs/gpu.md.
let private maximumSize = 60.0

let private run (program: string) (arguments: string list) =
    use child = Process.Start(ProcessStartInfo(program, arguments, WorkingDirectory = root)) |> nonNull
    child.WaitForExit()

    if child.ExitCode <> 0 then
        stop 1 $"{program} exited with code {child.ExitCode}."

let private git (arguments: string list) =
    let start = ProcessStartInfo("git", arguments, WorkingDirectory = root, RedirectStandardOutput = true)
    use child = Process.Start start |> nonNull
    let output = child.StandardOutput.ReadToEnd()
    child.WaitForExit()

    if child.ExitCode <> 0 then
        stop 1 $"git exited with code {child.ExitCode}; `publish` packs the files that git tracks."

    output

/// Copies the files that git tracks, which tests and stages read.
let private copySources (folder: string) =
    for path in (git [ "ls-files"; "-z" ]).Split('\000', StringSplitOptions.RemoveEmptyEntries) do
        // Deleted files are tracked until the deletion is committed.
        if File.Exists(at path) then
            let target = Path.Combine(folder, path)
            Directory.CreateDirectory(Path.GetDirectoryName target |> nonNull) |> ignore
            File.Copy(at path, target)

    File.WriteAllText(Path.Combine(folder, "VERSION"), git [ "describe"; "--always"; "--dirty"; "--abbrev=40" ])

/// Without symbols, and without the native library of ONNX Runtime (11 MB compressed), which only `export` and `table --deploy` need: a
/// student is exported where the runs are brought to.
let private publish (folder: string) (target: Target) =
    eprintf "Publishing %s ... " target.Project
    let clock = Stopwatch.StartNew()
    let output = Path.Combine(folder, Path.GetDirectoryName target.Program |> nonNull)

    let code, text =
        runHidden
            [ "publish"
              target.Project
              "-c"
              "Release"
              "-r"
              "linux-x64"
              "--no-self-contained"
              "-p:TorchBackend=external"
              "-p:DebugType=none"
              "-o"
              output
              "-v"
              "quiet"
              "-nologo" ]

    if code <> 0 then
        eprintfn "failed."
        stop 1 text

    for pattern in [ "*.pdb"; "libonnxruntime*" ] do
        for file in Directory.GetFiles(output, pattern) do
            File.Delete file

    eprintfn "%.0f s" clock.Elapsed.TotalSeconds

/// Copies the .NET runtime of the SDK, so that `dotnet PROGRAM.dll` works.
let private copyDotnet (folder: string) =
    let real = File.ResolveLinkTarget(dotnet, returnFinalTarget = true)
    let home = Path.GetDirectoryName(if isNull real then dotnet else real.FullName) |> nonNull
    let version = string Environment.Version

    for path in
        [ "dotnet"
          "LICENSE.txt"
          "ThirdPartyNotices.txt"
          $"host/fxr/{version}"
          $"shared/Microsoft.NETCore.App/{version}" ] do
        let target = Path.Combine(folder, ".dotnet", path)
        Directory.CreateDirectory(Path.GetDirectoryName target |> nonNull) |> ignore
        run "cp" [ "-rL"; Path.Combine(home, path); target ]

/// Copies this machine's libjpeg-turbo; without it, Skia decodes at half the speed.
let private copyJpeg (folder: string) =
    let name = "libturbojpeg.so.0"

    let found =
        [ "/usr/lib/x86_64-linux-gnu"; "/usr/lib64"; "/usr/lib"; "/usr/local/lib" ]
        |> List.map (fun place -> Path.Combine(place, name))
        |> List.tryFind File.Exists

    match found with
    | Some library ->
        Directory.CreateDirectory(Path.Combine(folder, "lib")) |> ignore
        run "cp" [ "-L"; library; Path.Combine(folder, "lib", name) ]
    | None -> eprintfn $"{name} is not installed here, so the archive decodes JPEG files more slowly."

/// Replaces equal files by hard links, which the archive keeps; the three programs share most assemblies.
let private shareEqualFiles (folder: string) =
    let known = Dictionary<string, string>()

    for file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories) do
        let hash = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes file))

        match known.TryGetValue hash with
        | true, first ->
            File.Delete file

            if link (first, file) <> 0 then
                File.Copy(first, file)
        | _ -> known[hash] <- file

/// Makes the archive, which unpacks into a folder of the same name.
let archive (file: string) =
    if not (OperatingSystem.IsLinux()) || RuntimeInformation.OSArchitecture <> Architecture.X64 then
        stop 2 "`publish` makes an archive for Linux on x86-64 and must run on such a machine."

    let name = "channel-distillation-linux-x64"
    let temporary = Directory.CreateTempSubdirectory "channel-distillation-publish-"

    try
        let folder = Path.Combine(temporary.FullName, name)
        copySources folder
        List.iter (publish folder) [ cli; tests; bench ]
        copyDotnet folder
        copyJpeg folder
        shareEqualFiles folder
        let file = Path.GetFullPath file
        Directory.CreateDirectory(Path.GetDirectoryName file |> nonNull) |> ignore
        run "tar" [ "--owner=0"; "--group=0"; "-C"; temporary.FullName; "-czf"; file; name ]
        let size = float (FileInfo file).Length / mebibyte
        printfn "%s: %.1f MiB. Unpack it and run bench/gpu.sh there with TORCH_LIB set (docs/gpu.md)." file size

        if size > maximumSize then
            stop 1 $"The archive must not be larger than {maximumSize} MiB."
    finally
        temporary.Delete true
