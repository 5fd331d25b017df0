namespace ChannelDistillation.Lab.Progress

open System
open System.Diagnostics
open System.IO

/// Writes the lines of a log, and a status line if there was none for some time.
[<Sealed>]
type internal Heartbeat(output: TextWriter, seconds: float) =
    let interval = TimeSpan.FromSeconds seconds
    let sinceLine = Stopwatch.StartNew()

    /// Starts the waiting time.
    member _.Restart() = sinceLine.Restart()

    member _.Write(line: string) =
        output.WriteLine line
        output.Flush()
        sinceLine.Restart()

    /// Writes the line if it is due.
    member this.Beat(line: unit -> string) =
        if sinceLine.Elapsed > interval then
            this.Write(line ())

/// Limits how often a view is redrawn.
[<Sealed>]
type internal Frames(perSecond: int64) =
    let between = Stopwatch.Frequency / perSecond
    let mutable next = 0L

    /// Draws a frame if it is due.
    member _.Due(draw: unit -> unit) =
        let now = Stopwatch.GetTimestamp()

        if now >= next then
            next <- now + between
            draw ()
