/// A process that runs tests one at a time for the supervisor of the suite.
module ChannelDistillation.Tests.Suite.TestWorker

open System
open System.Collections.Concurrent
open System.IO
open System.IO.Pipes
open System.Text.RegularExpressions
open System.Threading
open Expecto
open Expecto.Impl
open ChannelDistillation.Native
open ChannelDistillation.Training
open ChannelDistillation.Tests.Suite.Selection
open ChannelDistillation.Tests.Suite.TestMessages

/// The tests of each `[<Tests>]` value, in the order of the assembly. One worker runs all tests of a unit, so that they can share fixtures.
let private units (selection: Selection) : FlatTest array array =
    let values =
        if selection.Examples then
            [ Examples.tests ]
        else
            match testFromThisAssembly () with
            | Some(TestList(values, _)) -> values
            | Some value -> [ value ]
            | None -> []

    let focused = values |> Seq.collect Test.toTestCodeList |> Seq.filter (fun test -> test.state = FocusState.Focused)

    if not (Seq.isEmpty focused) then
        failwith $"Focused tests hide the others: {fullName (Seq.head focused)}"

    values
    |> List.map (Test.toTestCodeList >> Seq.filter (includes selection) >> Array.ofSeq)
    |> List.filter (Array.isEmpty >> not)
    |> Array.ofList

/// Removes the stack frames of Expecto, and colours if the output is not a terminal.
let private readable (text: string) =
    let plain =
        if Console.IsOutputRedirected then
            Regex.Replace(text, "\x1b\\[\\d*m", "")
        else
            text

    let frames = plain.IndexOf "\n   at Expecto.Impl."
    (if frames < 0 then plain else plain[.. frames - 1]).Trim '\n'

let private run (config: ExpectoConfig) (test: FlatTest) : Result =
    let summary = (Async.StartImmediateAsTask(execTestAsync CancellationToken.None config test)).GetAwaiter().GetResult()

    let verdict, text =
        match summary.result with
        | Passed -> Verdict.Passed, ""
        | Ignored reason -> Verdict.Skipped, reason
        | Failed text -> Verdict.Failed, text
        | Error error -> Verdict.Failed, string error

    { Name = fullName test; Verdict = verdict; Text = readable text; Seconds = summary.duration.TotalSeconds }

/// Reads assignments. If the supervisor exits, this process exits at once, even in the middle of a test.
let private assignments (reader: TextReader) =
    let received = new BlockingCollection<Assignment>()

    let receive () =
        while true do
            match reader.ReadLine() with
            | null -> exit 1
            | line -> received.Add(read line)

    Thread(receive, IsBackground = true).Start()
    received.GetConsumingEnumerable()

/// Runs the assignments received through a pipe; does not return.
let work (pipeName: string) (selection: Selection) : int =
    use pipe = new NamedPipeClientStream(".", pipeName, PipeDirection.InOut, PipeOptions.Asynchronous)
    pipe.Connect()
    use reader = new StreamReader(pipe)
    use writer = new StreamWriter(pipe)
    // One thread per worker, because there is a worker for each CPU core.
    Devices.UseThreads 1
    NativeWarnings.Silence()
    let units = units selection
    write writer (Message(Units = Array.map Array.length units))
    let config = { ExpectoConfig.defaultConfig with joinWith = JoinWith.Slash; verbosity = Logging.LogLevel.Warn }

    for assignment in assignments reader do
        for test in Seq.skip assignment.First units[assignment.Unit] do
            write writer (Message(Started = fullName test))
            write writer (Message(Ended = Some(run config test)))

        write writer (Message(Done = true))

    0
