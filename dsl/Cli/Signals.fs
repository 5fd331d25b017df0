/// Signal handling: the first Ctrl+C saves the state of all runs, the second exits immediately.
module ChannelDistillation.Cli.Signals

open System
open System.Diagnostics
open System.Runtime.InteropServices
open System.Threading
open Spectre.Console
open ChannelDistillation.Lab.Progress
open ChannelDistillation.Lab.Workers

let private usr1 = enum<PosixSignal> 10 // the number on Linux; .NET has no name for it

[<DllImport("libc", EntryPoint = "_exit")>]
extern void private endNow(int code)

/// Exits without running finalizers. `exit` would unload libtorch while the training thread uses it, or fail if its GPU is lost.
let endAtOnce (code: int) : unit =
    Console.Out.Flush()
    Console.Error.Flush()

    if OperatingSystem.IsWindows() then exit code else endNow code

/// One key press can arrive twice: from the terminal, and from a parent process that forwards it.
let private duplicateWindow = TimeSpan.FromMilliseconds 500.0

/// Prints above the live view, if there is one.
let private say (message: string) =
    if Console.IsOutputRedirected then
        eprintfn "%s" message
    else
        lock Progress.console (fun () -> Above.say AnsiConsole.Console message)

/// The signals besides SIGINT that request a save and exit.
let private terminationSignals =
    [ PosixSignal.SIGTERM
      PosixSignal.SIGHUP
      if OperatingSystem.IsLinux() then
          usr1 ]

let private registered (signals: PosixSignal list) (handle: PosixSignalContext -> unit) : IDisposable =
    let registrations = signals |> List.map (fun signal -> PosixSignalRegistration.Create(signal, handle))

    { new IDisposable with
        member _.Dispose() = registrations |> List.iter _.Dispose() }

let savingRuns = "Stopping: saving the state of every run. Press Ctrl+C again to exit immediately."

/// Cancels the source on SIGINT, SIGTERM, SIGHUP and SIGUSR1, until the result is disposed. A second SIGINT exits immediately.
/// <param name="stopping">The message to print on the first signal.</param>
let watch (stopping: string) (source: CancellationTokenSource) : IDisposable =
    let sinceFirst = Stopwatch()

    let onSignal (context: PosixSignalContext) =
        context.Cancel <- true

        if not source.IsCancellationRequested then
            sinceFirst.Start()
            say stopping
            source.Cancel()
        elif context.Signal = PosixSignal.SIGINT && sinceFirst.Elapsed > duplicateWindow then
            WorkerProcess.KillAll()

            // Below the live view.
            if not Console.IsOutputRedirected then
                AnsiConsole.Cursor.Show()
                Console.WriteLine()

            endAtOnce ExitCodes.interrupted

    registered (PosixSignal.SIGINT :: terminationSignals) onSignal

/// The same for a worker, without a message. SIGINT is ignored: a terminal sends Ctrl+C to workers too, but the process that started them
/// decides what to do.
let watchAsWorker (source: CancellationTokenSource) : IDisposable =
    registered (PosixSignal.SIGINT :: terminationSignals) (fun context ->
        context.Cancel <- true

        if context.Signal <> PosixSignal.SIGINT then
            source.Cancel())
