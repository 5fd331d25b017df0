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

/// How a worker answered.
type WorkerAnswer<'result> =
    | Finished of 'result
    /// The process crashed or was ended.
    | Died of ProcessEnd
    /// It ended by itself and said why: something is missing, or its device is lost to it.
    | Lost of why: string

/// A process of this program that trains parts of a sweep, one after the other. To be used by one thread; `Stop` by any.
/// <param name="patience">How long it may be silent after a request to stop, before it is killed.</param>
[<Sealed>]
type WorkerProcess(device: WorkerDevice, arguments: string list, patience: TimeSpan) =
    static let running = ConcurrentDictionary<WorkerProcess, unit>()
    // More than what a person reads of an error, and less than a page.
    let mostLines = 8
    let lastLines = Queue<string>()

    /// As this process was started: by `dotnet`, or as a program of its own.
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

        // Off for commands, which are short; what prepares images runs for hours.
        start.Environment["DOTNET_TieredPGO"] <- "1"

        WorkerDevice.visible (Environment.GetEnvironmentVariable "CUDA_VISIBLE_DEVICES" |> Option.ofObj) device
        |> Option.iter (fun names -> start.Environment["CUDA_VISIBLE_DEVICES"] <- names)

        nonNull (Process.Start start)

    let remember (line: DataReceivedEventArgs) =
        match line.Data with
        // What libtorch says after an error is where it was in its own code.
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
            () // It has ended.

    let send (message: string) =
        try
            child.StandardInput.WriteLine message
            child.StandardInput.Flush()
        with
        | :? IOException
        | :? ObjectDisposedException -> () // It is gone, or told to stop: reading tells.

    let mutable heard = Stopwatch.GetTimestamp()

    /// Waits for its end. In an endless loop of native code it neither saves nor ends.
    let rec awaitEnd () =
        try
            if not (child.WaitForExit patience) then
                if Stopwatch.GetElapsedTime heard > patience then
                    kill ()

                awaitEnd ()
        with :? InvalidOperationException ->
            () // It has ended, and nobody needs to know it any more.

    let stopping =
        lazy
            (try
                child.StandardInput.Close()
             with
             | :? IOException
             | :? ObjectDisposedException -> ()

             Thread(awaitEnd, IsBackground = true).Start())

    let words () = lock lastLines (fun () -> String.Join("\n", lastLines))

    let strange = HashSet<string>()
    let mutable reason: string option = None

    let mutable hasBegun = false
    let mutable isDisposed = false

    do
        child.ErrorDataReceived.Add remember
        child.BeginErrorReadLine()

    /// Reads what it says, and tells an observer, until it says what is waited for or has ended.
    let rec listen (observer: TrainingEvent -> unit) (isIt: Reply -> 'result option) : 'result option =
        match child.StandardOutput.ReadLine() with
        | null -> None
        | message ->
            heard <- Stopwatch.GetTimestamp()
            let reply = Messages.read message

            match isIt reply, reply with
            | Some result, _ -> Some result
            | None, Reply.Reported reported ->
                observer reported
                listen observer isIt
            | None, Reply.Leaving why ->
                reason <- Some why
                listen observer isIt
            | None, Reply.Strange what ->
                if strange.Add what then
                    observer (TrainingEvent.Message $"{device}: a message of the training process is ignored, for this version does not know {what}.")

                listen observer isIt
            | None, _ -> listen observer isIt

    let answer (result: 'result option) : WorkerAnswer<'result> =
        match result with
        | Some result -> Finished result
        | None ->
            // It has closed its channel: nothing but its end can follow.
            awaitEnd ()
            child.WaitForExit()

            match ProcessEnd.ofExitCode child.ExitCode with
            | WithCode(2 | 3) -> Lost(reason |> Option.defaultWith words)
            | how -> Died how

    /// A step of a large cohort and its saving take less.
    static member Patience = TimeSpan.FromMinutes 10.0

    member _.Id = child.Id

    /// What it wrote to its standard error, at most the last few lines.
    member _.LastWords = words ()

    /// Gives it the experiment, in YAML; before any part of it.
    member _.Begin(experiment: string) =
        hasBegun <- true
        send (Messages.experiment experiment)

    /// Waits until it can begin.
    member _.AwaitReady(observer: TrainingEvent -> unit) : WorkerAnswer<WorkerReady> =
        listen observer (fun reply ->
            match reply with
            | Reply.Ready worker -> Some worker
            | _ -> None)
        |> answer

    /// Asks it what the networks of the experiment cost.
    member _.CountCosts(observer: TrainingEvent -> unit) : WorkerAnswer<(CountedModel * ModelCost) list> =
        send (Messages.request RequestCosts)

        listen observer (fun reply ->
            match reply with
            | Reply.Counted costs -> Some costs
            | _ -> None)
        |> answer

    /// Gives it a part to do, and tells an observer how that goes.
    member _.Do (part: Part, mode: ComputeMode) (observer: TrainingEvent -> unit) : WorkerAnswer<PartEnd> =
        send (Messages.request (DoPart(part, mode)))

        listen observer (fun reply ->
            match reply with
            | Reply.Ended result -> Some result
            | _ -> None)
        |> answer

    /// Tells it that there is nothing more: it ends, and saves first what it is training.
    member _.Stop() = stopping.Force()

    /// Starts a worker.
    static member Start(device, arguments) =
        let worker = new WorkerProcess(device, arguments, WorkerProcess.Patience)
        running[worker] <- ()
        worker

    member private _.Kill() = kill ()

    /// Ends all workers of this process as a power cut would.
    static member KillAll() =
        for worker in running.Keys do
            worker.Kill()

    interface IDisposable with
        member this.Dispose() =
            if not isDisposed then
                isDisposed <- true

                // It has nothing to save.
                if not hasBegun then
                    kill ()

                this.Stop()
                awaitEnd ()
                child.WaitForExit()
                running.TryRemove this |> ignore
                child.Dispose()
