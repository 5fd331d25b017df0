/// The messages between the processes of the suite, one line of JSON each.
module ChannelDistillation.Tests.Suite.TestMessages

open System.IO
open System.Text.Json

type Verdict =
    | Passed = 0
    | Failed = 1
    | Skipped = 2

/// The result of a test.
type Result =
    {
        Name: string
        Verdict: Verdict
        /// The reason of a failure or skip.
        Text: string
        Seconds: float
    }

/// To a worker: run the tests of a unit, starting with one of them.
type Assignment = { Unit: int; First: int }

/// From a worker. Exactly one field is not null.
[<AllowNullLiteral>]
type Message() =
    /// The first message: how many tests each unit has.
    member val Units: int array = null with get, set
    /// A test starts.
    member val Started: string = null with get, set
    /// A test has ended.
    member val Ended: Result option = None with get, set
    /// Every test of the unit has ended.
    member val Done = false with get, set

let write (writer: TextWriter) (value: 'value) =
    writer.WriteLine(JsonSerializer.Serialize value)
    writer.Flush()

let read<'value> (line: string) : 'value = JsonSerializer.Deserialize<'value> line
