/// Faults of the test worker, requested in a file beside its runs.
module ChannelDistillation.Tests.Lab.Workers.Faults

open System
open System.IO
open System.Runtime.InteropServices
open System.Text
open System.Threading
open ChannelDistillation.Data

[<DllImport("libc", EntryPoint = "memcpy")>]
extern nativeint private copy(nativeint destination, nativeint source, unativeint count)

[<DllImport("libc", EntryPoint = "div")>]
extern int64 private divide(int numerator, int denominator)

[<DllImport("libc")>]
extern void private abort()

[<DllImport("libc", EntryPoint = "pause")>]
extern int private pauseNative()

[<DllImport("libc", EntryPoint = "write")>]
extern nativeint private write(int descriptor, byte[] bytes, unativeint count)

type Fault =
    /// Reads a null pointer in native code.
    | NullPointer
    /// Divides by zero in native code.
    | DivisionByZero
    | Abort
    /// Sends SIGKILL to itself.
    | Kill
    /// Calls native code that does not return.
    | Hang
    /// Reports a CUDA error from which the process cannot recover.
    | LostGpu
    /// Sends an unknown message.
    | StrangeMessage

let private all = [ NullPointer; DivisionByZero; Abort; Kill; Hang; LostGpu; StrangeMessage ]

/// When the fault happens.
type Moment =
    /// Before the worker is ready.
    | AtBegin
    /// When the state of a run or teacher is about to be saved, in a folder below this path, relative to the root; only if there is an earlier
    /// checkpoint, or in any case.
    | Saving of folder: string * hasCheckpoint: bool
    /// When a training image is read.
    | Reading

let private shown (moment: Moment) =
    match moment with
    | AtBegin -> "begin"
    | Saving(folder, true) -> "later " + folder
    | Saving(folder, false) -> "whenever " + folder
    | Reading -> "reading"

let private file (root: string) = Path.Combine(root, "faults")

/// Requests faults from the workers of a root, each the given number of times.
let request (root: string) (faults: (Fault * Moment * int) list) =
    File.WriteAllLines(file root, [ for fault, moment, times in faults -> $"{times} {fault} {shown moment}" ])

/// Whether all requested faults have happened.
let haveHappened (root: string) = File.ReadAllLines(file root) |> Array.forall _.StartsWith("0 ")

/// The next fault that is due. One worker at a time reads the file.
let rec private take (root: string) (isDue: string -> bool) : Fault option =
    try
        use stream = new FileStream(file root, FileMode.Open, FileAccess.ReadWrite, FileShare.None)
        let lines = (new StreamReader(stream)).ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)

        let parsed =
            lines
            |> Array.map (fun line ->
                let words = line.Split(' ', 3)
                int words[0], words[1], words[2])

        match parsed |> Array.tryFindIndex (fun (times, _, moment) -> times > 0 && isDue moment) with
        | None -> None
        | Some index ->
            let times, name, moment = parsed[index]
            lines[index] <- $"{times - 1} {name} {moment}"
            stream.SetLength 0L
            let bytes = Encoding.UTF8.GetBytes(String.Join('\n', lines) + "\n")
            stream.Write(bytes, 0, bytes.Length)
            all |> List.tryFind (fun fault -> string fault = name)
    with
    | :? FileNotFoundException -> None
    | :? IOException ->
        Thread.Sleep 5
        take root isDue

let private commit (fault: Fault) (output: TextWriter) =
    match fault with
    | NullPointer -> copy (Marshal.AllocHGlobal 1, 0n, 1un) |> ignore
    | DivisionByZero -> divide (1, 0) |> ignore
    | Abort -> abort ()
    | Kill -> Diagnostics.Process.GetCurrentProcess().Kill()
    | Hang ->
        while true do
            pauseNative () |> ignore
    | LostGpu -> raise (ExternalException "CUDA error: device-side assert triggered")
    | StrangeMessage ->
        for _ in 1..2 do
            output.WriteLine """{"event":"weather","is":"fine"}"""

        output.Flush()

/// Triggers the faults before the worker is ready.
let atBegin (root: string) (output: TextWriter) = take root ((=) "begin") |> Option.iter (fun fault -> commit fault output)

/// Prints an incomplete line, as libraries do.
let printNatively () =
    let bytes = Encoding.UTF8.GetBytes "noise of a library"
    write (1, bytes, unativeint bytes.Length) |> ignore

/// Triggers the faults before a file of a run is written.
let atWriting (root: string) (path: string) =
    let state = "latest.state.safetensors"

    // Beside the earlier checkpoint.
    if Path.GetFileName(path).StartsWith(state + ".") then
        let isDue (moment: string) =
            let isUnder (folder: string) = path.StartsWith(Path.Combine(root, folder))

            match moment.Split(' ', 2) with
            | [| "later"; folder |] -> isUnder folder && File.Exists(Path.Combine(nonNull (Path.GetDirectoryName path), state))
            | [| "whenever"; folder |] -> isUnder folder
            | _ -> false

        take root isDue |> Option.iter (fun fault -> commit fault TextWriter.Null)

/// Images that trigger a fault when read. Images are prefetched, so a process that has had its fault has no second one.
let images (root: string) (inner: IImageSet) : IImageSet =
    let mutable hasHad = false

    { new IImageSet with
        member _.Count = inner.Count
        member _.Shape = inner.Shape
        member _.Label index = inner.Label index

        member _.Read(index, augmentation, random, destination) =
            if index = 5 && not hasHad then
                match take root ((=) "reading") with
                | None -> ()
                | Some fault ->
                    hasHad <- true
                    commit fault TextWriter.Null

            inner.Read(index, augmentation, &random, destination)

        member _.Dispose() = inner.Dispose() }
