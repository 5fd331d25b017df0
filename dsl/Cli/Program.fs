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
    // A sweep trains in separate processes, which load libtorch themselves.
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
    | "export" -> ExportVerb.run arguments
    | "schema" -> SchemaVerb.run arguments
    | other -> Parsing.unknownVerb other

/// A bug: prints one paragraph and writes the stack trace to a file.
let private unexpected (error: exn) =
    eprintfn "Internal error: %s\nThe same command resumes interrupted runs. Details for a bug report: %s" error.Message (ErrorLog.write error)

    ExitCodes.failed

/// A full disk, a file without permission, or a folder where a file should be.
let private unusable (error: exn) =
    eprintfn "A file could not be read or written: %s\nFree disk space or fix the permissions, then repeat the command; it resumes." error.Message
    ExitCodes.missing

[<EntryPoint>]
let main arguments =
    View.prepare ()
    Terminal.guard ()

    try
        MemoryAllocator.KeepMemory(Devices.MayUseGpu arguments)
        OpenMp.LimitSpinning()

        match List.ofArray arguments with
        | [] ->
            eprintfn "Start this program through build.fsx: dotnet fsi build.fsx"
            ExitCodes.invalid
        | "help" :: verb :: part -> dispatch verb (part @ [ "--help" ])
        | verb :: rest -> dispatch verb rest
    with
    | :? ArguParseException as problem ->
        eprintfn "%s" (Parsing.incomplete (List.ofArray arguments) problem)
        ExitCodes.invalid
    | ExitCodes.Ended(code, message) ->
        if message <> "" then
            eprintfn "%s" message

        code
    | UsageError message ->
        eprintfn "%s" message
        ExitCodes.invalid
    | :? MissingException as missing ->
        eprintfn "%s" missing.Message
        ExitCodes.missing
    | :? DeviceLostException as lost ->
        eprintfn "%s" lost.Message
        Signals.endAtOnce ExitCodes.missing
        ExitCodes.missing
    | :? IOException
    | :? UnauthorizedAccessException as error -> unusable error
    | error -> unexpected error
