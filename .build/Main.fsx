// The slower path of build.fsx: building, the verbs for developers, and the help.
#r "nuget: Argu, 6.1.1"
#load "../dsl/Cli/Verbs.fs"
#load "Programs.fsx"
#load "Packages.fsx"
#load "Stamps.fsx"
#load "Building.fsx"
#load "Notices.fsx"
#load "Publishing.fsx"

open Argu
open ChannelDistillation.Cli
open Programs
open Stamps
open Building

type Backend =
    | Cpu
    | Cuda
    | External

type BuildArguments =
    | Backend of Backend

    interface IArgParserTemplate with
        member _.Usage = "libtorch for the CPU, for NVIDIA GPUs, or the one in TORCH_LIB; remembered for later builds"

type TestArguments =
    | Filter of string
    | Skip of string
    | Durations of string

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Filter _ -> "only the tests whose full name contains this text; repeatable"
            | Skip _ -> "skip the tests whose full name contains this text; repeatable"
            | Durations _ -> "the file for the seconds of each test, written as they end"

type FormatArguments =
    | Check

    interface IArgParserTemplate with
        member _.Usage = "change nothing; fail if a file is not formatted"

type PublishArguments =
    | Out of file: string

    interface IArgParserTemplate with
        member _.Usage = "the archive to write; default channel-distillation-linux-x64.tar.gz"

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
    parse<TestArguments> "test" arguments |> ignore
    build cli None
    build tests None
    become (at tests.Program :: arguments)

let benchVerb arguments =
    build bench None
    become (at bench.Program :: arguments)

let noticesVerb (arguments: string list) =
    if not arguments.IsEmpty then
        stop 2 "`notices` takes no arguments. It writes THIRD-PARTY-NOTICES.txt from the packages of the last build."

    System.IO.File.WriteAllText(Notices.file, Notices.render ())
    0

let publishVerb arguments =
    (parse<PublishArguments> "publish" arguments).GetResult(Out, at "channel-distillation-linux-x64.tar.gz")
    |> Publishing.archive

    0

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

let developerVerbs =
    [ "build", "", "compile everything; --backend cpu|cuda|external", buildVerb
      "test", "", "run all tests; --filter TEXT and --skip TEXT select by name", testVerb
      "bench",
      "[steps | cache | cifar | photographs | startup | methods | precision | loader | gpu | names | agreement]",
      "run the benchmarks of bench/README.md beside PyTorch, or some of them",
      benchVerb
      "publish", "", "make an archive for Linux machines without .NET and network; --out FILE", publishVerb
      "format", "", "format the sources; --check changes nothing", formatVerb
      "notices", "", "write THIRD-PARTY-NOTICES.txt from the licences of the packages", noticesVerb ]

let help () =
    let line (verb, arguments, doc) = printfn "  %-39s %s" $"{verb} {arguments}" doc
    printfn "Knowledge distillation: from an ablation in YAML to a table of results.\n\ndotnet fsi build.fsx VERB [ARGUMENTS]\n"
    Verbs.all |> List.iter line
    printfn "\nFor developers:"

    for verb, arguments, doc, _ in developerVerbs do
        line (verb, arguments, doc)

    printfn "\n`help VERB` lists its options. Start with: dotnet fsi build.fsx sweep"

let developer verb = developerVerbs |> List.tryPick (fun (name, _, _, run) -> if name = verb then Some run else None)

match List.ofArray fsi.CommandLineArgs |> List.tail with
| []
| [ "help" ] ->
    help ()
    0
| "help" :: verb :: _ when (developer verb).IsSome -> (developer verb).Value [ "--help" ]
| verb :: arguments ->
    match developer verb with
    | Some run -> run arguments
    | None ->
        build cli (backendFor arguments)
        become (at cli.Program :: verb :: arguments)
|> exit
