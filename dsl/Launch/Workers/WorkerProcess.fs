namespace ChannelDistillation.Dsl.Launch

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Reflection
open System.Text
open ChannelDistillation.Dsl.Progress

/// How a worker answered.
type WorkerAnswer =
    | Finished of PartEnd
    /// The process has ended: how, in words, and whether something outside is missing, which it named.
    | Gone of how: string * missing: bool

/// A process of this program that trains parts of a sweep, one after the other. To be used by one thread; `Stop` by any.
[<Sealed>]
type WorkerProcess(device: WorkerDevice, arguments: string list, experiment: string) =
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

    let send (message: string) =
        try
            child.StandardInput.WriteLine message
            child.StandardInput.Flush()
        with
        | :? IOException
        | :? ObjectDisposedException -> () // It is gone, or told to stop: reading tells.

    let words () = lock lastLines (fun () -> String.Join("\n", lastLines))

    let how (code: int) =
        match code with
        | 130 -> "was told to stop, and has saved"
        | 134 -> "broke down (SIGABRT)"
        | 137 -> "was killed (SIGKILL; where memory runs out, the system does that)"
        | 139 -> "broke down (SIGSEGV)"
        | 143 -> "was ended (SIGTERM)"
        | code -> $"ended with exit code {code}"

    do
        child.ErrorDataReceived.Add remember
        child.BeginErrorReadLine()
        send (Messages.experiment experiment)

    member _.Device = device
    member _.Id = child.Id

    /// What it wrote beside its messages, at most the last few lines.
    member _.LastWords = words ()

    /// Gives it a part to do, and tells an observer how that goes.
    member this.Do (part: Part) (progress: IProgress) : WorkerAnswer =
        send (Messages.part part)

        let rec listen () =
            match child.StandardOutput.ReadLine() with
            | null -> this.Ended()
            | message ->
                match Messages.read progress message with
                | Some result -> Finished result
                | None -> listen ()

        listen ()

    /// Tells it that there is nothing more: it ends, and saves first what it is training.
    member _.Stop() =
        try
            child.StandardInput.Close()
        with
        | :? IOException
        | :? ObjectDisposedException -> ()

    /// Waits for its end.
    member private _.Ended() : WorkerAnswer =
        child.WaitForExit()

        if child.ExitCode = 3 then
            Gone(words (), true)
        else
            let said = words ()
            Gone(how child.ExitCode + (if said = "" then "." else $". Its last words:\n{said}"), false)

    /// Starts a worker.
    static member Start(device, arguments, experiment) =
        let worker = new WorkerProcess(device, arguments, experiment)
        running[worker] <- ()
        worker

    member private _.Kill() =
        try
            child.Kill()
        with :? InvalidOperationException ->
            () // It has ended.

    /// Ends all workers of this process as a power cut would.
    static member KillAll() =
        for worker in running.Keys do
            worker.Kill()

    interface IDisposable with
        member this.Dispose() =
            this.Stop()
            child.WaitForExit()
            running.TryRemove this |> ignore
            child.Dispose()
