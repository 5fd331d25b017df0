namespace ChannelDistillation.Lab.Workers

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Reflection
open System.Text
open System.Threading
open ChannelDistillation.Models
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs

/// The answer of a worker to a request.
type WorkerAnswer<'result> =
    | Finished of 'result
    /// The process crashed or was killed.
    | Crashed of ProcessExit
    /// The process exited and gave a reason: something is missing, or its device is lost.
    | Unusable of why: string

/// A process of this program that trains parts of a sweep, one after another. To be used by one thread; only `Stop` is thread-safe.
/// <param name="patience">How long the process may be silent after a request to stop before it is killed.</param>
[<Sealed>]
type WorkerProcess(device: WorkerDevice, arguments: string list, patience: TimeSpan) =
    static let running = ConcurrentDictionary<WorkerProcess, unit>()
    // Enough to show an error, and less than a page.
    let mostLines = 8
    let lastLines = Queue<string>()

    /// How this process was started: by `dotnet`, or as an executable.
    let command =
        let self = Environment.ProcessPath |> Option.ofObj |> Option.defaultValue "dotnet"

        if Path.GetFileNameWithoutExtension self = "dotnet" then
            self, [ (nonNull (Assembly.GetEntryAssembly())).Location ]
        else
            self, []

    let child =
        let utf8 = UTF8Encoding false

        let start =
            ProcessStartInfo(
                fst command,
                snd command @ arguments,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardInputEncoding = utf8,
                StandardOutputEncoding = utf8,
                StandardErrorEncoding = utf8
            )

        // Disabled for short commands. Loading images runs for hours and profits from it.
        start.Environment["DOTNET_TieredPGO"] <- "1"

        WorkerDevice.visible (Environment.GetEnvironmentVariable "CUDA_VISIBLE_DEVICES" |> Option.ofObj) device
        |> Option.iter (fun names -> start.Environment["CUDA_VISIBLE_DEVICES"] <- names)

        nonNull (Process.Start start)

    let remember (line: DataReceivedEventArgs) =
        match line.Data with
        // Skips the stack trace of libtorch.
        | null
        | "" -> ()
        | text when text.StartsWith "frame #" -> ()
        | text ->
            lock lastLines (fun () ->
                lastLines.Enqueue text

                if lastLines.Count > mostLines then
                    lastLines.Dequeue() |> ignore)

    let kill () =
        try
            child.Kill()
        with :? InvalidOperationException ->
            () // It has already exited.

    let send (message: string) =
        try
            child.StandardInput.WriteLine message
            child.StandardInput.Flush()
        with
        | :? IOException
        | :? ObjectDisposedException -> () // The process has exited or was stopped, which reading its output reveals.

    let mutable heard = Stopwatch.GetTimestamp()

    /// Waits until the process exits. Kills it if it is silent for too long, as in an endless loop of native code.
    let rec awaitEnd () =
        try
            if not (child.WaitForExit patience) then
                if Stopwatch.GetElapsedTime heard > patience then
                    kill ()

                awaitEnd ()
        with :? InvalidOperationException ->
            () // It has exited and been disposed.

    let stopping =
        lazy
            (try
                child.StandardInput.Close()
             with
             | :? IOException
             | :? ObjectDisposedException -> ()

             Thread(awaitEnd, IsBackground = true).Start())

    let lastOutput () = lock lastLines (fun () -> String.Join("\n", lastLines))

    let unknown = HashSet<string>()
    let mutable reason: string option = None

    let mutable hasBegun = false
    let mutable isDisposed = false

    do
        child.ErrorDataReceived.Add remember
        child.BeginErrorReadLine()

    /// Reads messages and reports progress until the expected message arrives or the process exits.
    let rec listen (observer: TrainingEvent -> unit) (expected: Reply -> 'result option) : 'result option =
        match child.StandardOutput.ReadLine() with
        | null -> None
        | message ->
            heard <- Stopwatch.GetTimestamp()
            let reply = Messages.read message

            match expected reply, reply with
            | Some result, _ -> Some result
            | None, Reply.Reported reported ->
                observer reported
                listen observer expected
            | None, Reply.Exiting why ->
                reason <- Some why
                listen observer expected
            | None, Reply.Strange what ->
                if unknown.Add what then
                    observer (TrainingEvent.Message $"{device}: ignored an unknown message of the training process: {what}.")

                listen observer expected
            | None, _ -> listen observer expected

    let answer (result: 'result option) : WorkerAnswer<'result> =
        match result with
        | Some result -> Finished result
        | None ->
            // The output is closed, so the process is about to exit.
            awaitEnd ()
            child.WaitForExit()

            match ProcessExit.ofExitCode child.ExitCode with
            | WithCode(2 | 3) -> Unusable(reason |> Option.defaultWith lastOutput)
            | how -> Crashed how

    /// Longer than a step of a large cohort and saving its state.
    static member Patience = TimeSpan.FromMinutes 10.0

    member _.Id = child.Id

    /// The last lines of its standard error.
    member _.LastOutput = lastOutput ()

    /// Sends the experiment as YAML. Must precede every other request.
    member _.Begin(experiment: string) =
        hasBegun <- true
        send (Messages.experiment experiment)

    /// Waits until the worker is ready.
    member _.AwaitReady(observer: TrainingEvent -> unit) : WorkerAnswer<WorkerReady> =
        listen observer (fun reply ->
            match reply with
            | Reply.Ready worker -> Some worker
            | _ -> None)
        |> answer

    /// Requests the costs of the experiment's networks.
    member _.CountCosts(observer: TrainingEvent -> unit) : WorkerAnswer<(CountedModel * ModelCost) list> =
        send (Messages.request RequestCosts)

        listen observer (fun reply ->
            match reply with
            | Reply.Counted costs -> Some costs
            | _ -> None)
        |> answer

    /// Requests a part of the sweep and reports its progress.
    member _.Do (part: SweepPart, mode: ComputeMode) (observer: TrainingEvent -> unit) : WorkerAnswer<PartEnd> =
        send (Messages.request (DoPart(part, mode)))

        listen observer (fun reply ->
            match reply with
            | Reply.Ended result -> Some result
            | _ -> None)
        |> answer

    /// Closes its input: the worker saves the state of its runs and exits.
    member _.Stop() = stopping.Force()

    /// Starts a worker.
    static member Start(device, arguments) =
        let worker = new WorkerProcess(device, arguments, WorkerProcess.Patience)
        running[worker] <- ()
        worker

    member private _.Kill() = kill ()

    /// Kills all workers of this process without saving.
    static member KillAll() =
        for worker in running.Keys do
            worker.Kill()

    interface IDisposable with
        member this.Dispose() =
            if not isDisposed then
                isDisposed <- true

                // Nothing to save.
                if not hasBegun then
                    kill ()

                this.Stop()
                awaitEnd ()
                child.WaitForExit()
                running.TryRemove this |> ignore
                child.Dispose()
