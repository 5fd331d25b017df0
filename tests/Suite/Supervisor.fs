/// Runs the suite in one process more than there are CPU cores. When a process dies, the test that it ran fails, and another process runs the
/// rest, so that the suite always completes.
module ChannelDistillation.Tests.Suite.Supervisor

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.IO.Pipes
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open ChannelDistillation.Tests.Suite.Selection
open ChannelDistillation.Tests.Suite.TestMessages

[<DllImport("libc", EntryPoint = "signal")>]
extern nativeint private setHandler(int number, nativeint handler)

/// A shell ignores SIGINT in background processes (POSIX), and everything that a test starts would inherit that.
let private restoreInterrupt () =
    let interrupt, standard = 2, 0n

    if OperatingSystem.IsLinux() then
        let ignored = File.ReadLines "/proc/self/status" |> Seq.find _.StartsWith("SigIgn:")

        if (Convert.ToUInt64(ignored.Substring("SigIgn:".Length).Trim(), 16) >>> (interrupt - 1)) &&& 1UL = 1UL then
            setHandler (interrupt, standard) |> ignore

let private describe (exitCode: int) =
    match exitCode - 128 with
    | 4 -> "SIGILL"
    | 6 -> "SIGABRT"
    | 7 -> "SIGBUS"
    | 8 -> "SIGFPE"
    | 9 -> "SIGKILL"
    | 11 -> "SIGSEGV"
    | 15 -> "SIGTERM"
    | _ -> $"exit code {exitCode}"

/// Time limit for an idle process to exit.
let private farewell = TimeSpan.FromMinutes 1.0

/// A process that runs tests.
type private Child(arguments: string list) =
    let name = $"channel-distillation-tests-{Guid.NewGuid():N}"
    let pipe = new NamedPipeServerStream(name, PipeDirection.InOut, 1, PipeTransmissionMode.Byte, PipeOptions.Asynchronous)
    let started = Process.Start("dotnet", Environment.GetCommandLineArgs()[0] :: "worker" :: name :: arguments)

    do
        // A process that exits before it connects would otherwise be waited for forever.
        use ended = new CancellationTokenSource()
        let exit = started.WaitForExitAsync()
        let connection = pipe.WaitForConnectionAsync ended.Token

        if Task.WaitAny(connection, exit) = 1 then
            ended.Cancel()

    let reader = new StreamReader(pipe)
    let writer = new StreamWriter(pipe)

    /// Its next message. None: it has exited.
    /// <exception cref="OperationCanceledException">No message arrived within the time limit.</exception>
    member _.Receive(limit: TimeSpan) : Message option =
        use limit = new CancellationTokenSource(limit)

        try
            match reader.ReadLineAsync(limit.Token).AsTask().GetAwaiter().GetResult() with
            | null -> None
            | line -> Some(read<Message> line)
        with
        | :? IOException
        | :? InvalidOperationException -> None

    member _.Send(assignment: Assignment) =
        try
            write writer assignment
        with :? IOException ->
            () // It has exited, as the next read shows.

    member _.Kill() = started.Kill(entireProcessTree = true)

    /// How the process ended.
    member _.End() : string =
        started.WaitForExit()
        describe started.ExitCode

    interface IDisposable with
        member this.Dispose() =
            pipe.Dispose()

            if not (started.WaitForExit farewell) then
                this.Kill()
                started.WaitForExit()

            started.Dispose()

let private clockTicksPerSecond = 100.0

/// The CPU time of all processes that have exited, and of this one.
let private processorTime () =
    if OperatingSystem.IsLinux() then
        // After the name in parentheses: the state, and eleven numbers later utime, stime, cutime and cstime.
        let fields = (File.ReadAllText "/proc/self/stat").Split(") ").[1].Split ' '
        Some(TimeSpan.FromSeconds(Array.sumBy float fields[11..14] / clockTicksPerSecond))
    else
        None

/// Runs the suite and prints failures, skipped tests and the slowest tests.
let run (selection: Selection) (arguments: string list) : int =
    restoreInterrupt ()
    let clock = Stopwatch.StartNew()
    let results = ConcurrentQueue<Result>()
    let units = TaskCompletionSource<int array>()
    let left = ConcurrentQueue<Assignment>()

    use durations =
        match selection.Durations with
        | Some file -> File.CreateText file :> TextWriter
        | None -> TextWriter.Null

    let record (result: Result) =
        results.Enqueue result

        lock results (fun () ->
            durations.WriteLine $"{result.Seconds, 8:F2}  {result.Name}"
            durations.Flush()

            if result.Verdict = Verdict.Failed then
                printfn "FAILED %s\n%s\n" result.Name result.Text)

    let died name text seconds = record { Name = name; Verdict = Verdict.Failed; Text = text; Seconds = seconds }

    /// Runs an assignment in a process. Returns what remains if the process dies.
    let rec follow (child: Child) (assignment: Assignment) (running: (string * Stopwatch) option) : Assignment option =
        let ended (how: string) =
            match running with
            | Some(name, clock) -> died name how clock.Elapsed.TotalSeconds
            | None -> died $"test {assignment.First + 1} of unit {assignment.Unit + 1}" $"Before it began: {how}" 0.0

            Some { assignment with First = assignment.First + 1 }

        let message =
            try
                Ok(child.Receive selection.Limit)
            with :? OperationCanceledException ->
                Error()

        match message with
        | Ok None -> ended $"The process of the test ended with {child.End()}."
        | Error() ->
            child.Kill()
            child.End() |> ignore
            ended $"The test did not end within {selection.Limit.TotalSeconds} s; its process was killed."
        | Ok(Some message) when message.Done -> None
        | Ok(Some message) ->
            match message.Ended with
            | Some result ->
                record result
                follow child { assignment with First = assignment.First + 1 } None
            | None -> follow child assignment (Some(message.Started, Stopwatch.StartNew()))

    /// Runs assignments until none is left.
    let rec serve (child: Child) =
        match left.TryDequeue() with
        | false, _ -> (child :> IDisposable).Dispose()
        | true, assignment ->
            child.Send assignment

            match follow child assignment None with
            | None -> serve child
            | Some rest ->
                if rest.First < units.Task.Result[rest.Unit] then
                    left.Enqueue rest

                (child :> IDisposable).Dispose()

                if not left.IsEmpty then
                    start ()

    and start () =
        let child = new Child(arguments)

        match child.Receive Timeout.InfiniteTimeSpan with
        | Some message ->
            // The last ones first: tests of whole programs take longest.
            if units.TrySetResult message.Units then
                for unit in message.Units.Length - 1 .. -1 .. 0 do
                    left.Enqueue { Unit = unit; First = 0 }

            serve child
        | None ->
            died "the suite" $"A process of the tests ended before the first test, with {child.End()}." 0.0
            units.TrySetResult [||] |> ignore

    let first = Task.Run start
    // One process more than there are cores, because tests of programs spend much of their time waiting for them.
    let others = min (Environment.ProcessorCount + 1) units.Task.Result.Length - 1
    Task.WaitAll [| first; yield! [ for _ in 1..others -> Task.Run start ] |]
    let results = List.ofSeq results
    Summary.lines results clock.Elapsed (processorTime ()) |> List.iter Console.WriteLine
    Summary.exitCode results
