/// Parses the arguments of the command line.
module ChannelDistillation.Cli.Parsing

open System
open System.Text.RegularExpressions
open Argu
open ChannelDistillation.Specs
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Tables
open ChannelDistillation.Lab.Runs

let private program = "dotnet fsi build.fsx"

/// A line with the candidate that is nearest to a word; empty if none is near.
let hint (word: string) (candidates: string list) =
    match Suggest.near word candidates with
    | [] -> ""
    | nearest :: _ -> "\nHint: " + MessageFormat.didYouMean (fun name -> $"`{name}`") [ nearest ]

let unknownVerb (verb: string) =
    let verbs = Verbs.all |> List.map (fun (name, _, _) -> name)
    let listed = String.Join(", ", verbs)
    ExitCodes.stop ExitCodes.invalid $"Unknown verb `{verb}`.{hint verb verbs}\nVerbs: {listed}. `{program}` shows what each does."

/// The options of the verb and of its subcommands, such as `list --json`.
let rec private optionsOf (parser: ArgumentParser) =
    let own = parser.GetArgumentCases() |> List.collect (fun case -> case.CommandLineNames.Value)
    "--help" :: own @ (parser.GetSubCommandParsers() |> List.collect optionsOf) |> List.distinct

let private nameOf (word: string) = Array.head (word.Split '=')

/// Argu would take an unknown option for the name of a file.
let private unknownOption options (arguments: string list) =
    arguments |> List.tryFind (fun word -> word.StartsWith "--" && not (List.contains (nameOf word) options))

/// Argu's message is `ERROR: unrecognized argument: 'ftch'.`, followed by the usage text.
let private explain verb (options: string list) (problem: string) =
    let first = (Array.head (problem.Split '\n')).Trim()
    let unrecognized = Regex.Match(first, "unrecognized argument: '(.*)'")

    if unrecognized.Success then
        let word = unrecognized.Groups[1].Value
        $"`{verb}` does not accept the argument `{word}`.{hint word options}"
    else
        let text = Regex.Replace(first, "^ERROR: ", "").TrimEnd '.'

        if text = "" then
            "The arguments cannot be parsed."
        else
            string (Char.ToUpperInvariant text[0]) + text.Substring 1 + "."

/// Not `{verb} --help`: `dotnet fsi` handles `--help` itself, wherever it is among the arguments.
let private helpFor verb = $"`{program} help {verb}` lists its options."

/// The message for a missing argument of a subcommand, which Argu reports only when the subcommand is read.
let incomplete (arguments: string list) (problem: ArguParseException) =
    let verb = arguments |> List.truncate 2 |> String.concat " "
    $"{explain verb [] problem.Message}\n{helpFor verb}"

/// The parsed arguments. None: help was requested and has been printed.
let parse<'arguments when 'arguments :> IArgParserTemplate> (verb: string) (arguments: string list) : ParseResults<'arguments> option =
    let parser = ArgumentParser.Create<'arguments>(programName = $"{program} {verb}")
    let options = optionsOf parser
    let refuse problem = ExitCodes.stop ExitCodes.invalid $"{problem}\n{helpFor verb}"

    match unknownOption options arguments with
    | Some word -> refuse $"`{verb}` has no option `{nameOf word}`.{hint (nameOf word) options}"
    | None ->
        try
            Some(parser.ParseCommandLine(List.toArray arguments))
        with :? ArguParseException as problem ->
            if problem.ErrorCode = ErrorCode.HelpText then
                let message =
                    Regex.Replace(problem.Message.TrimEnd(), @" \[--help\]|(\n+OPTIONS:\n)?\n +--help +display this list of options\.", "")

                // Argu's text recommends `--help`, which `dotnet fsi` handles itself.
                printfn
                    "%s"
                    (Regex.Replace(
                        message,
                        @"Use '[^']* (\w+) <subcommand> --help' for\s+additional\s+information\.",
                        $"`{program} help $1 <subcommand>` lists its options."
                    ))

                None
            else
                refuse (explain verb options problem.Message)

/// The command as given, quoted for a shell.
let commandLine (verb: string) (arguments: string list) = String.Join(' ', program :: verb :: List.map Shell.quoted arguments)

/// `PATH=VALUE` of --set.
let assignment (text: string) =
    match text.IndexOf '=' with
    | at when at > 0 -> text.Substring(0, at), text.Substring(at + 1)
    | _ -> ExitCodes.stop ExitCodes.invalid $"--set needs PATH=VALUE, for example --set train.epochs=2; got `{text}`."

/// Checks that an option is at least 1.
let positive option n =
    if n >= 1 then
        n
    else
        ExitCodes.stop ExitCodes.invalid $"{option} must be at least 1; got {n}."

/// More than any machine has cores: thousands of threads make a machine unusable.
let private mostThreads = 1024

/// `--threads`.
let threads n =
    if positive "--threads" n <= mostThreads then
        n
    else
        ExitCodes.stop ExitCodes.invalid $"--threads must be at most {mostThreads}; got {n}. More threads than cores make training slower."

let private oneDevice = Regex "^(auto|cpu|cuda|cuda:[0-9]{1,4})$"

let device (text: string) =
    if oneDevice.IsMatch text then
        text
    elif text.Contains ',' then
        ExitCodes.stop ExitCodes.invalid $"Only `sweep` accepts several devices; got `{text}`. Use --device auto, cpu, cuda or cuda:N."
    else
        ExitCodes.stop ExitCodes.invalid $"Unknown device `{text}`. Use --device auto, cpu, cuda or cuda:N."

/// The devices of `sweep`: one, or a worker process on each of several.
type Devices =
    | One of device: string
    | Several of WorkerDevice list

/// `cpu,cpu`, `cuda:0,1` or `cuda:0,cuda:1`.
let private deviceList (text: string) =
    let refuse problem =
        ExitCodes.stop ExitCodes.invalid $"--device {text}: {problem} List CPU workers as cpu,cpu and GPUs as cuda:0,1."

    let number (word: string) = Regex.Match(word, "^(?:cuda:)?([0-9]{1,4})$")
    let words = text.Split ',' |> Array.map _.Trim() |> List.ofArray
    let strange = words |> List.filter (fun word -> word <> "cpu" && not (number word).Success)

    if List.contains "" words then
        refuse "the list has an empty entry."
    elif not strange.IsEmpty then
        let one =
            if oneDevice.IsMatch strange.Head then
                "is not allowed in a list"
            else
                "is not a device"

        refuse $"`{strange.Head}` {one}."
    elif List.forall ((=) "cpu") words then
        [ for number in 1 .. words.Length -> Processor number ]
    elif List.contains "cpu" words then
        refuse "CPU and GPUs cannot be mixed."
    elif not (words.Head.StartsWith "cuda:") then
        refuse $"`{words.Head}` is not a device."
    else
        WorkerDevice.onGpus [ for word in words -> int (number word).Groups[1].Value ]

/// Parses `--device`. `each`: workers per device; None: one.
let devices (text: string) (each: int option) : Devices =
    if text.Contains ',' then
        Several(deviceList text |> WorkerDevice.times (defaultArg each 1))
    elif each |> Option.exists (fun count -> count > 1) && oneDevice.IsMatch text then
        match text with
        | "auto" -> ExitCodes.stop ExitCodes.invalid "--workers-per-device needs an explicit device: --device cpu, cuda or cuda:N."
        | "cuda" -> Several(WorkerDevice.onGpus (List.replicate each.Value 0))
        | named -> Several(deviceList named |> WorkerDevice.times each.Value)
    elif oneDevice.IsMatch text then
        One text
    else
        ExitCodes.stop ExitCodes.invalid $"Unknown device `{text}`. Use --device auto, cpu, cuda, cuda:N or a list such as cuda:0,1."

/// Where a sweep runs.
type Launcher =
    | Local
    | Slurm

let launcher (text: string) =
    match text with
    | "local" -> Local
    | "slurm" -> Slurm
    | other ->
        let near = hint other [ "local"; "slurm" ]
        ExitCodes.stop ExitCodes.invalid $"Unknown launcher `{other}`. Use --launcher local or slurm.{near}"

/// Parses `--differences`: `interval,welch,holm`.
let differences (text: string) : DifferenceColumn list =
    let known = [ "interval", DifferenceColumn.Interval; "welch", DifferenceColumn.Welch; "holm", DifferenceColumn.Holm ]

    [ for word in text.Split ',' |> Array.map _.Trim() ->
          match known |> List.tryFind (fun (name, _) -> name = word) with
          | Some(_, column) -> column
          | None ->
              let near = hint word (List.map fst known)
              ExitCodes.stop ExitCodes.invalid $"Unknown difference column `{word}`. --differences takes a list of interval, welch and holm.{near}" ]
    |> List.distinct

/// Parses `--layout`. None: the memory layout that a run started with.
let layout (text: string option) =
    match text with
    | None -> LayoutRequest.Kept
    | Some text ->
        match TensorLayouts.FindRequest text |> Option.ofNullable with
        | Some request -> request
        | None ->
            ExitCodes.stop
                ExitCodes.invalid
                $"Unknown layout `{text}`. Use --layout auto, channels-last or contiguous.{hint text (List.ofSeq TensorLayouts.Requests)}"

/// Parses `on` or `off`.
let switch (option: string) (text: string) =
    match text with
    | "on" -> true
    | "off" -> false
    | other -> ExitCodes.stop ExitCodes.invalid $"{option} takes on or off; got {other}."
