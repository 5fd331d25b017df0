/// Whether a project's last build was made of the sources that are there now.
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

/// The backend asked for, or else the one of the last build, so that `build --backend cuda` is said once.
let backendOf (asked: string option) =
    match asked with
    | Some backend -> backend
    | None when File.Exists lastBackend -> (File.ReadAllText lastBackend).Trim()
    | None -> "cpu"

/// `--device cuda`, `cuda:1` or `cuda:0,1` needs a build for GPUs: a remembered one, or else the standard one. What else is asked for
/// goes with any build.
let backendFor (arguments: string list) =
    let asksForGpu =
        arguments |> List.pairwise |> List.exists (fun (name, value) -> name = "--device" && value.StartsWith "cuda")

    if asksForGpu && backendOf None = "cpu" then Some "cuda" else None

let private sourceEndings = [| ".cs"; ".fs"; ".fsproj"; ".csproj"; ".props"; ".targets" |]

let rec private addUnder (found: ResizeArray<FileInfo>) (folder: DirectoryInfo) =
    for file in folder.EnumerateFiles() do
        found.Add file

    for inner in folder.EnumerateDirectories() do
        if inner.Name <> "bin" && inner.Name <> "obj" then
            addUnder found inner

/// Hash of the sources' and of the lock files' paths, sizes and times: apart, for the first build of a backend makes its own lock files.
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
