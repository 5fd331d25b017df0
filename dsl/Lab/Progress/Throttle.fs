namespace ChannelDistillation.Lab.Progress

open System
open System.Diagnostics
open System.IO

/// Lines of a log, with a sign of life when there was none for a while.
[<Sealed>]
type internal Heartbeat(output: TextWriter, seconds: float) =
    let interval = TimeSpan.FromSeconds seconds
    let sinceLine = Stopwatch.StartNew()

    /// The while begins now.
    member _.Restart() = sinceLine.Restart()

    member _.Write(line: string) =
        output.WriteLine line
        output.Flush()
        sinceLine.Restart()

    /// Writes a line where it is time for one.
    member this.Beat(line: unit -> string) =
        if sinceLine.Elapsed > interval then
            this.Write(line ())

/// How often a view is drawn anew, at the most.
[<Sealed>]
type internal Frames(perSecond: int64) =
    let between = Stopwatch.Frequency / perSecond
    let mutable next = 0L

    /// Draws a frame where it is time for one.
    member _.Due(draw: unit -> unit) =
        let now = Stopwatch.GetTimestamp()

        if now >= next then
            next <- now + between
            draw ()
