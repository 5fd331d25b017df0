/// Checks whether a project's last build is of the current sources.
module Stamps

open System
open System.IO
open System.Security.Cryptography
open System.Text
open Programs

let at path = Path.Combine(root, path)

type Target = { Project: string; Program: string; Folders: string list }

let cli =
    { Project = "dsl/Cli"
      Program = "dsl/Cli/bin/Release/net10.0/channel-distillation.dll"
      Folders = [ "runtime"; "dsl" ] }

let tests =
    { Project = "tests"
      Program = "tests/bin/Release/net10.0/ChannelDistillation.Tests.dll"
      Folders = [ "runtime"; "dsl"; "tests" ] }

let bench =
    { Project = "bench"
      Program = "bench/bin/Release/net10.0/ChannelDistillation.Bench.dll"
      Folders = [ "runtime"; "bench" ] }

let lastBackend = at "dsl/Cli/bin/backend"

/// The requested backend, else that of the last build, so that `build --backend cuda` is needed only once.
let backendOf (requested: string option) =
    match requested with
    | Some backend -> backend
    | None when File.Exists lastBackend -> (File.ReadAllText lastBackend).Trim()
    | None -> "cpu"

/// The backend that the arguments need. `--device cuda`, `cuda:1` or `cuda:0,1` needs a build for GPUs: that of the last build, else `cuda`.
let backendFor (arguments: string list) =
    let needsGpu = arguments |> List.pairwise |> List.exists (fun (name, value) -> name = "--device" && value.StartsWith "cuda")

    if needsGpu && backendOf None = "cpu" then Some "cuda" else None

let private sourceEndings = [| ".cs"; ".fs"; ".fsproj"; ".csproj"; ".props"; ".targets" |]

let rec private addUnder (found: ResizeArray<FileInfo>) (folder: DirectoryInfo) =
    for file in folder.EnumerateFiles() do
        found.Add file

    for inner in folder.EnumerateDirectories() do
        if inner.Name <> "bin" && inner.Name <> "obj" then
            addUnder found inner

/// Hashes of the paths, sizes and times of the sources and of the lock files. Separate, because the first build of a backend creates lock files.
let hashes (target: Target) (backend: string) : string * string =
    let found = ResizeArray(DirectoryInfo(root).EnumerateFiles())

    for folder in target.Folders do
        addUnder found (DirectoryInfo(at folder))

    let sources = ResizeArray [ backend; string Environment.Version ]
    let locks = ResizeArray()

    let add (into: ResizeArray<string>) (file: FileInfo) = into.Add $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}"

    for file in found do
        if Array.contains file.Extension sourceEndings then
            add sources file
        elif file.Name.EndsWith ".lock.json" then
            add locks file

    for file in [ "global.json"; "data/datasets.yaml"; "pretrain/teachers.yaml" ] do
        add sources (FileInfo(at file))

    let hash (lines: ResizeArray<string>) =
        lines.Sort StringComparer.Ordinal
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(String.Join('\n', lines))))

    hash sources, hash locks

let stampOf (target: Target) = at (target.Project + "/bin/built")

let isUpToDate (target: Target) (backend: string) =
    let sources, locks = hashes target backend
    File.Exists(at target.Program) && File.Exists(stampOf target) && File.ReadAllText(stampOf target) = sources + locks
