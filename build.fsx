// The one entry of the project: `dotnet fsi build.fsx` lists what it can do.
#r "nuget: Argu, 6.1.1"
#load "dsl/Cli/Verbs.fs"
#load ".build/Programs.fsx"
#load ".build/Packages.fsx"

open System
open System.Diagnostics
open System.IO
open System.Security.Cryptography
open System.Text
open System.Threading
open Argu
open ChannelDistillation.Cli
open Programs

let at path = Path.Combine(root, path)

// ---- Building what is needed -----------------------------------------------------------------------------------------

/// What the last build of a project was made of, but for its backend: paths, sizes and times.
let private files (isWanted: FileInfo -> bool) (folders: string list) =
    let rec under (folder: DirectoryInfo) =
        seq {
            yield! folder.EnumerateFiles() |> Seq.filter isWanted

            for inner in folder.EnumerateDirectories() do
                if inner.Name <> "bin" && inner.Name <> "obj" then
                    yield! under inner
        }

    seq {
        yield! DirectoryInfo(root).EnumerateFiles() |> Seq.filter isWanted

        for file in [ "global.json"; "data/datasets.yaml"; "pretrain/teachers.yaml" ] do
            yield FileInfo(at file)

        for folder in folders do
            yield! under (DirectoryInfo(at folder))
    }
    |> Seq.filter _.Exists
    |> Seq.map (fun file -> $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}")
    |> Seq.sort
    |> String.concat "\n"

let private sources =
    files (fun file ->
        match file.Extension with
        | ".cs"
        | ".fs"
        | ".fsproj"
        | ".csproj"
        | ".props"
        | ".targets" -> true
        | _ -> false)

/// Apart from the sources, for the first build of a backend makes its own.
let private locks = files (fun file -> file.Name.EndsWith ".lock.json")

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

let private lastBackend = at "dsl/Cli/bin/backend"

/// The backend asked for, or else the one of the last build, so that `build --backend cuda` is said once.
let backendOf (asked: string option) =
    match asked with
    | Some backend -> backend
    | None when File.Exists lastBackend -> (File.ReadAllText lastBackend).Trim()
    | None -> "cpu"

/// One build at a time: two would write the same files. The lock is the operating system's, so a killed build leaves none behind.
let private withBuildLock (work: unit -> 'a) =
    Directory.CreateDirectory(at "dsl/Cli/bin") |> ignore

    let rec acquire said =
        try
            new FileStream(at "dsl/Cli/bin/lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)
        with :? IOException ->
            if not said then
                eprintfn "Another process is building; waiting for it ..."

            Thread.Sleep 200
            acquire true

    use _ = acquire false
    work ()

/// Builds a project unless its last build was made of the same sources. Quiet when there is nothing to do.
let build (target: Target) (asked: string option) =
    let backend = backendOf asked
    let stamp = at $"{target.Project}/bin/built"

    let hash (text: string) = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes text))
    let ofSources () = hash $"{backend}\n{Environment.Version}\n{sources target.Folders}"
    let ofLocks () = hash (locks target.Folders)

    let upToDate () = File.Exists(at target.Program) && File.Exists stamp && File.ReadAllText stamp = ofSources () + ofLocks ()

    if not (upToDate ()) then
        withBuildLock (fun () ->
            if not (upToDate ()) then
                let built = ofSources ()
                let lockFiles () = set (Directory.GetFiles(at target.Project, "*.lock.json"))
                let lockFilesBefore = lockFiles ()

                if backend = "cuda" && backendOf None <> "cuda" then
                    eprintfn "The first build for GPUs downloads a libtorch of several gigabytes."

                eprintf "Building %s (%s) ... " target.Project backend
                let clock = Stopwatch.StartNew()

                let code, output =
                    runHidden [ "build"; target.Project; "-c"; "Release"; "-v"; "quiet"; "-nologo"; $"-p:TorchBackend={backend}" ]

                if code <> 0 then
                    eprintfn "failed after %.0f s." clock.Elapsed.TotalSeconds
                    // NuGet writes what it found of the packages, which is not enough.
                    lockFiles () - lockFilesBefore |> Set.iter File.Delete

                    match Packages.missing backend (backendOf None) output with
                    | Some message -> stop 3 message
                    | None -> stop 1 output

                eprintfn "%.0f s" clock.Elapsed.TotalSeconds

                for line in output.Split '\n' do
                    if line.TrimStart().StartsWith "TorchSharp:" then
                        eprintfn "%s" (line.Trim())

                File.WriteAllText(stamp, built + ofLocks ())
                File.WriteAllText(lastBackend, backend))

/// `--device cuda`, `cuda:1` or `cuda:0,1` needs a build for GPUs: a remembered one, or else the standard one. What else is asked for
/// goes with any build.
let private backendFor (arguments: string list) =
    let asksForGpu =
        arguments |> List.pairwise |> List.exists (fun (name, value) -> name = "--device" && value.StartsWith "cuda")

    if asksForGpu && backendOf None = "cpu" then Some "cuda" else None

// ---- Verbs for developers --------------------------------------------------------------------------------------------

type Backend =
    | Cpu
    | Cuda
    | External

type BuildArguments =
    | Backend of Backend

    interface IArgParserTemplate with
        member _.Usage = "libtorch for the processor, for NVIDIA GPUs, or the one that TORCH_LIB names; remembered for later builds"

type TestArguments =
    | Filter of string

    interface IArgParserTemplate with
        member _.Usage = "only the tests whose full name contains this text"

type FormatArguments =
    | Check

    interface IArgParserTemplate with
        member _.Usage = "change nothing; fail where a file is not formatted"

let private parse<'arguments when 'arguments :> IArgParserTemplate> verb (arguments: string list) : ParseResults<'arguments> =
    let parser = ArgumentParser.Create<'arguments>(programName = $"dotnet fsi build.fsx {verb}")

    try
        parser.ParseCommandLine(List.toArray arguments)
    with :? ArguParseException as problem ->
        if problem.ErrorCode = ErrorCode.HelpText then
            printfn "%s" problem.Message
            exit 0
        else
            stop 2 problem.Message

let buildVerb arguments =
    let backend =
        (parse<BuildArguments> "build" arguments).TryGetResult Backend
        |> Option.map (fun backend -> (string backend).ToLowerInvariant())

    build cli backend
    build tests backend
    build bench backend
    printfn "Up to date (%s)." (backendOf None)
    0

let testVerb arguments =
    let filter = (parse<TestArguments> "test" arguments).TryGetResult Filter
    build cli None
    build tests None

    become
        [ at tests.Program
          for text in Option.toList filter do
              yield! [ "--filter"; text ] ]

let benchVerb arguments =
    build bench None
    become (at bench.Program :: arguments)

let formatVerb arguments =
    let check = (parse<FormatArguments> "format" arguments).Contains Check

    match runHidden [ "tool"; "restore" ] with
    | 0, _ -> ()
    | _, output -> stop 1 output

    let codes =
        [ runShown [ "csharpier"; (if check then "check" else "format"); "runtime"; "bench" ]
          runShown
              [ "fantomas"
                if check then
                    "--check"
                "build.fsx"
                ".build"
                "dsl"
                "tests" ] ]

    if List.forall ((=) 0) codes then 0 else 1

// ---- Choosing --------------------------------------------------------------------------------------------------------

let developerVerbs =
    [ "build", "", "compile everything; --backend cpu|cuda|external", buildVerb
      "test", "", "the whole test suite; --filter TEXT for a part of it", testVerb
      "bench",
      "[photographs | cifar | loader | methods | precision | cache | startup | gpu]",
      "training steps beside PyTorch's, or loading images; bench/README.md",
      benchVerb
      "format", "", "format the sources; --check only looks", formatVerb ]

let help () =
    let line (verb, arguments, doc) = printfn "  %-39s %s" $"{verb} {arguments}" doc
    printfn "Knowledge distillation, from a declared ablation to a results table.\n\ndotnet fsi build.fsx VERB [ARGUMENTS]\n"
    Verbs.all |> List.iter line
    printfn "\nFor developers:"

    for verb, arguments, doc, _ in developerVerbs do
        line (verb, arguments, doc)

    printfn "\nVERB --help shows its options. Start with: dotnet fsi build.fsx sweep"

match List.ofArray fsi.CommandLineArgs |> List.tail with
| []
| [ "help" ]
| [ "--help" ]
| [ "-h" ] ->
    help ()
    0
| verb :: arguments ->
    match developerVerbs |> List.tryFind (fun (name, _, _, _) -> name = verb) with
    | Some(_, _, _, run) -> run arguments
    | None ->
        build cli (backendFor arguments)
        become (at cli.Program :: verb :: arguments)
|> exit
