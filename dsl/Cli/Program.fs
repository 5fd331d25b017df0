module ChannelDistillation.Cli.Program

open System
open System.IO
open Argu
open ChannelDistillation.Core
open ChannelDistillation.Native
open ChannelDistillation.Training
open ChannelDistillation.Dsl
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Progress

let private dispatch (verb: string) (arguments: string list) =
    // A sweep trains in separate processes, which load it.
    if verb <> "sweep" then
        ExternalTorch.Load()

    match verb with
    | "sweep" -> SweepVerb.run arguments
    | "plan" -> PlanVerb.run arguments
    | "table" -> TableVerb.run arguments
    | "report" -> ReportVerb.run arguments
    | "data" -> DataVerb.run arguments
    | "teacher" -> TeacherVerb.run arguments
    | "evaluate" -> EvaluateVerb.run arguments
    | "schema" -> SchemaVerb.run arguments
    | other -> Parsing.unknownVerb other

/// A mistake of ours: the person gets one paragraph, the details go into a file.
let private unexpected (error: exn) =
    eprintfn
        "Something went wrong that should not have: %s\nRuns that were going on can be continued with the same command. Details, for a bug report: %s"
        error.Message
        (ErrorLog.write error)

    Ending.failed

/// A disk that is full, a file that is not ours, a folder where a file should be.
let private unusable (error: exn) =
    eprintfn "A file could not be read or written: %s\nMake room or make it usable, and repeat the command: it goes on where it was." error.Message
    Ending.missing

[<EntryPoint>]
let main arguments =
    View.prepare ()
    Terminal.guard ()

    try
        MemoryAllocator.KeepMemory(Devices.MayUseGpu arguments)
        OpenMp.LimitSpinning()

        match List.ofArray arguments with
        | [] ->
            eprintfn "This program is started through build.fsx: dotnet fsi build.fsx"
            Ending.invalid
        | "help" :: verb :: part -> dispatch verb (part @ [ "--help" ])
        | verb :: rest -> dispatch verb rest
    with
    | :? ArguParseException as problem ->
        eprintfn "%s" (Parsing.incomplete (List.ofArray arguments) problem)
        Ending.invalid
    | Ending.Ended(code, message) ->
        if message <> "" then
            eprintfn "%s" message

        code
    | UsageError message ->
        eprintfn "%s" message
        Ending.invalid
    | :? MissingException as missing ->
        eprintfn "%s" missing.Message
        Ending.missing
    | :? DeviceLostException as lost ->
        eprintfn "%s" lost.Message
        Signals.endAtOnce Ending.missing
        Ending.missing
    | :? IOException
    | :? UnauthorizedAccessException as error -> unusable error
    | error -> unexpected error
