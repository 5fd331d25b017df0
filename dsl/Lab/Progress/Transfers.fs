namespace ChannelDistillation.Lab.Progress

open System.IO
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Downloads

/// A download in plain lines, for logs and pipes: its start, and how far it is every ten seconds.
[<Sealed>]
type TransferLines(output: TextWriter) =
    let lines = Heartbeat(output, 10.0)
    let mutable pace = TransferPace(0L, 0L)

    interface IDownloadObserver with
        member _.Started(file, already) =
            pace <- TransferPace(file.Bytes, already)
            lines.Restart()

            if already > 0L then
                lines.Write $"  going on at {Figures.transfer pace}"

        member _.Advanced bytes =
            pace.Advance bytes
            lines.Beat(fun () -> $"  {Figures.transfer pace}")

        member _.Ended() =
            if pace.Bytes = pace.Total then
                lines.Write $"  {ByteSize.Text pace.Total} in {Figures.duration pace.Elapsed}"

        member _.Say message = lines.Write message

/// A download as a bar that stays in place on a terminal; messages scroll above it.
[<Sealed>]
type TransferBar(console: IAnsiConsole, show: IRenderable -> unit) =
    let frames = Frames 5L
    let mutable pace = TransferPace(0L, 0L)

    // Without the file's name, which the line above has: it fits into 80 columns.
    let frame () = show (Markup $"{Figures.bar pace.Fraction} {Figures.transfer pace}")

    interface IDownloadObserver with
        member _.Started(file, already) =
            pace <- TransferPace(file.Bytes, already)
            frame ()

        member _.Advanced bytes =
            pace.Advance bytes
            frames.Due frame

        member _.Ended() = show (Text "")
        member _.Say message = Above.say console message

/// For `--quiet`: what is fetched is no news, but a retry or a wait is.
[<Sealed>]
type SilentTransfer() =
    interface IDownloadObserver with
        member _.Started(_, _) = ()
        member _.Advanced _ = ()
        member _.Ended() = ()
        member _.Say message = eprintfn "%s" message
