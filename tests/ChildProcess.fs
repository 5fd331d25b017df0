namespace ChannelDistillation.Tests

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Threading
open System.Threading.Tasks
open Expecto

/// A program that a test starts. Its output is collected continuously. A program that runs longer than ten minutes fails its test and is killed.
/// The limit is far longer than any program takes on a busy machine; no assertion depends on it.
/// <param name="variables">Additional environment variables.</param>
type ChildProcess(program: string, arguments: string list, ?folder: string, ?variables: (string * string) list) =
    static let limit = TimeSpan.FromMinutes 10.0

    let clock = Stopwatch.StartNew()
    let command = String.Join(' ', Path.GetFileName program :: arguments)

    let child =
        let start = ProcessStartInfo(program, arguments, RedirectStandardOutput = true, RedirectStandardError = true)
        start.WorkingDirectory <- defaultArg folder ""

        for name, value in defaultArg variables [] do
            start.Environment[name] <- value

        Process.Start start |> nonNull

    let collect (stream: StreamReader) =
        let text = StringBuilder()
        let buffer = Array.zeroCreate 4096

        let rec read () =
            task {
                let! count = stream.ReadAsync(buffer, 0, buffer.Length)

                if count > 0 then
                    lock text (fun () -> text.Append(buffer, 0, count) |> ignore)
                    return! read ()
            }

        text, (read () :> Task)

    let output, outputEnd = collect child.StandardOutput
    let errors, errorsEnd = collect child.StandardError
    let soFar (text: StringBuilder) = lock text (fun () -> string text)

    let left () =
        let left = limit - clock.Elapsed
        if left > TimeSpan.Zero then left else TimeSpan.Zero

    let kill () =
        child.Kill(entireProcessTree = true)
        child.WaitForExit()

    let tooLate what =
        if not child.HasExited then
            kill ()

        failtest $"{limit.TotalMinutes} minutes went by before {what}: {command}\nIt wrote:\n{soFar output}{soFar errors}"

    member _.Id = child.Id
    member _.HasEnded = child.HasExited

    /// Its standard output so far.
    member _.Output = soFar output

    /// Its standard error so far.
    member _.Errors = soFar errors

    /// Sends a signal: `INT`, `TERM`.
    member _.Signal(name: string) = ChildProcess.Signal(name, child.Id)

    /// Kills it with SIGKILL.
    member _.Kill() =
        child.Kill()
        child.WaitForExit()

    /// Exit code, standard output and standard error.
    member _.End() : int * string * string =
        if not (child.WaitForExit(left ())) then
            tooLate "it ended"

        // It may have started another program that keeps them open.
        if not (Task.WaitAll([| outputEnd; errorsEnd |], left ())) then
            tooLate "its output ended"

        child.ExitCode, soFar output, soFar errors

    /// Waits for an event in the program, and fails if it exits before.
    member this.WaitUntil(what: string, condition: unit -> bool) =
        while not (condition ()) do
            if child.HasExited && not (condition ()) then
                let code, output, errors = this.End()
                failtest $"It ended with {code} before {what}: {command}\nIt wrote:\n{output}{errors}"

            if left () = TimeSpan.Zero then
                tooLate what

            Thread.Sleep 2

    /// Sends a signal to a process with the shell's `kill`; the program `kill` is not installed everywhere.
    static member Signal(name: string, id: int) = ChildProcess.Run("sh", [ "-c"; $"kill -{name} {id}" ]) |> ignore

    /// Runs a program to its end. Returns the exit code, standard output and standard error.
    static member Run(program: string, arguments: string list, ?folder: string, ?variables: (string * string) list) : int * string * string =
        use child = new ChildProcess(program, arguments, ?folder = folder, ?variables = variables)
        child.End()

    /// Whether a program can be started.
    static member Exists(program: string) : bool =
        Path.IsPathRooted program && File.Exists program
        || (nonNull (Environment.GetEnvironmentVariable "PATH")).Split Path.PathSeparator
           |> Array.exists (fun folder -> File.Exists(Path.Combine(folder, program)))

    interface IDisposable with
        member _.Dispose() =
            if not child.HasExited then
                kill ()

            child.Dispose()
