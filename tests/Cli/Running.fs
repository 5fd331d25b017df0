/// The program, run as a user runs it.
module ChannelDistillation.Tests.Cli.Running

open System
open System.Diagnostics
open System.IO
open Expecto
open ChannelDistillation.Tests

let private program = Path.Combine(Repository.root, "dsl/Cli/bin/Release/net10.0/channel-distillation.dll")

/// The program while it runs; what it writes is collected all along.
/// <param name="root">Where data and teachers lie; the repository where it is not given.</param>
/// <param name="user">Whom it runs as, where this process may choose; for Linux.</param>
type Started(folder: string, arguments: string list, ?root: string, ?user: int) =
    let child =
        let command, words =
            match user with
            | None -> "dotnet", program :: arguments
            | Some id -> "setpriv", [ $"--reuid={id}"; $"--regid={id}"; "--clear-groups"; "dotnet"; program ] @ arguments

        let start =
            ProcessStartInfo(command, words, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true)

        start.Environment["CHANNEL_DISTILLATION_ROOT"] <- defaultArg root Repository.root
        Process.Start start

    let output = child.StandardOutput.ReadToEndAsync()
    let errors = child.StandardError.ReadToEndAsync()
    member _.Id = child.Id
    member _.HasEnded = child.HasExited

    member _.Terminate() =
        use kill = Process.Start("kill", [ "-TERM"; string child.Id ])
        kill.WaitForExit()

    /// As a power cut would.
    member _.Kill() =
        child.Kill()
        child.WaitForExit()

    /// Exit code, standard output and standard error.
    member _.End() =
        child.WaitForExit()
        child.ExitCode, output.Result, errors.Result

    /// The same, if it ends within this time.
    member this.EndWithin(time: TimeSpan) = if child.WaitForExit time then Some(this.End()) else None

    interface IDisposable with
        member _.Dispose() =
            if not child.HasExited then
                child.Kill()
                child.WaitForExit()

            child.Dispose()

let run folder arguments =
    use started = new Started(folder, arguments)
    started.End()

let expectExit expected (code, output, errors) = Expect.equal code expected $"exit code; it wrote:\n{output}{errors}"
