namespace ChannelDistillation.Dsl.Progress

open System
open System.Diagnostics
open System.IO
open ChannelDistillation.Downloads
open Spectre.Console
open Spectre.Console.Rendering

/// A download in plain lines, for logs and pipes: its start, and how far it is every ten seconds.
[<Sealed>]
type TransferLines(output: TextWriter) =
    let heartbeat = TimeSpan.FromSeconds 10.0
    let sinceLine = Stopwatch()
    let mutable pace = TransferPace(0L, 0L)

    let write (line: string) =
        output.WriteLine line
        output.Flush()

    interface IDownloadObserver with
        member _.Started(file, already) =
            pace <- TransferPace(file.Bytes, already)
            sinceLine.Restart()

            if already > 0L then
                write $"  going on at {Figures.transfer pace}"

        member _.Advanced bytes =
            pace.Advance bytes

            if sinceLine.Elapsed > heartbeat then
                sinceLine.Restart()
                write $"  {Figures.transfer pace}"

        member _.Ended() =
            if pace.Bytes = pace.Total then
                write $"  {ByteSize.Text pace.Total} in {Figures.duration pace.Elapsed}"

        member _.Say message = write message

/// A download as a bar that stays in place on a terminal; messages scroll above it.
[<Sealed>]
type TransferBar(console: IAnsiConsole, show: IRenderable -> unit) =
    let betweenFrames = Stopwatch.Frequency / 5L
    let mutable pace = TransferPace(0L, 0L)
    let mutable nextFrame = 0L

    // Without the file's name, which the line above has: it fits into 80 columns.
    let frame () = show (Markup $"{Figures.bar pace.Fraction} {Figures.transfer pace}")

    interface IDownloadObserver with
        member _.Started(file, already) =
            pace <- TransferPace(file.Bytes, already)
            frame ()

        member _.Advanced bytes =
            pace.Advance bytes
            let now = Stopwatch.GetTimestamp()

            if now >= nextFrame then
                nextFrame <- now + betweenFrames
                frame ()

        member _.Ended() = show (Text "")
        member _.Say message = console.WriteLine message

/// For `--quiet`: what is fetched is no news, but a retry or a wait is.
[<Sealed>]
type SilentTransfer() =
    interface IDownloadObserver with
        member _.Started(_, _) = ()
        member _.Advanced _ = ()
        member _.Ended() = ()
        member _.Say message = eprintfn "%s" message
