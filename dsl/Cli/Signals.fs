/// Stopping in good order: the first Ctrl+C saves, the second ends at once.
module ChannelDistillation.Cli.Signals

open System
open System.Diagnostics
open System.Runtime.InteropServices
open System.Threading
open Spectre.Console
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Workers

let private usr1 = enum<PosixSignal> 10 // by its number on Linux: .NET has no name for it

[<DllImport("libc", EntryPoint = "_exit")>]
extern void private endNow(int code)

/// Ends the process as it stands. `exit` would take libtorch down under the training thread, or fail where its GPU is lost.
let endAtOnce (code: int) : unit =
    Console.Out.Flush()
    Console.Error.Flush()

    if OperatingSystem.IsWindows() then exit code else endNow code

/// One key press can arrive twice, through the terminal and through a parent that passes it on.
let private sameTwice = TimeSpan.FromMilliseconds 500.0

/// Above the live view where there is one.
let private say (message: string) =
    if Console.IsOutputRedirected then
        eprintfn "%s" message
    else
        lock Progress.console (fun () -> Above.say AnsiConsole.Console message)

/// Those that ask to save and end, beside SIGINT.
let private others =
    [ PosixSignal.SIGTERM
      PosixSignal.SIGHUP
      if OperatingSystem.IsLinux() then
          usr1 ]

let private registered (signals: PosixSignal list) (handle: PosixSignalContext -> unit) : IDisposable =
    let registrations = signals |> List.map (fun signal -> PosixSignalRegistration.Create(signal, handle))

    { new IDisposable with
        member _.Dispose() = registrations |> List.iter _.Dispose() }

let savingRuns = "Stopping: saving the state of every run. Once more to stop at once."

/// A token that SIGINT, SIGTERM, SIGHUP and SIGUSR1 cancel, for as long as the result is not disposed.
/// <param name="stopping">What is said then.</param>
let watch (stopping: string) (source: CancellationTokenSource) : IDisposable =
    let sinceFirst = Stopwatch()

    let onSignal (context: PosixSignalContext) =
        context.Cancel <- true

        if not source.IsCancellationRequested then
            sinceFirst.Start()
            say stopping
            source.Cancel()
        elif context.Signal = PosixSignal.SIGINT && sinceFirst.Elapsed > sameTwice then
            WorkerProcess.KillAll()

            // Below the live view.
            if not Console.IsOutputRedirected then
                AnsiConsole.Cursor.Show()
                Console.WriteLine()

            endAtOnce Ending.interrupted

    registered (PosixSignal.SIGINT :: others) onSignal

/// The same for a worker, which says nothing. A terminal sends Ctrl+C to it as well, but what that means is decided by the process that
/// started it.
let watchAsWorker (source: CancellationTokenSource) : IDisposable =
    registered (PosixSignal.SIGINT :: others) (fun context ->
        context.Cancel <- true

        if context.Signal <> PosixSignal.SIGINT then
            source.Cancel())
