namespace ChannelDistillation.Dsl.Progress

open System
open System.Diagnostics
open System.IO
open ChannelDistillation.Data.Photographs.Packed
open ChannelDistillation.Downloads
open Spectre.Console
open Spectre.Console.Rendering

/// Packing in words: `1200 of 5000 images (24 %), 130 MB of about 540 MB, 900 images/s, 4 s left`.
module private PackWords =
    let progress (pace: TransferPace) (bytes: int64) =
        let whole =
            if pace.Bytes > 0L && pace.Bytes < pace.Total then
                $" of about {ByteSize.Text(int64 (float bytes / pace.Fraction))}"
            else
                ""

        let speed =
            match pace.Rate, pace.Left with
            | Some rate, Some left when pace.Bytes < pace.Total -> $", {Figures.rate rate}, {Figures.duration left} left"
            | _ -> ""

        $"{pace.Bytes} of {pace.Total} images ({int (100.0 * pace.Fraction)} %%), {ByteSize.Text bytes}{whole}{speed}"

/// In plain lines, for logs and pipes: every ten seconds.
[<Sealed>]
type PackLines(output: TextWriter) =
    let heartbeat = TimeSpan.FromSeconds 10.0
    let sinceLine = Stopwatch()
    let mutable pace = TransferPace(0L, 0L)

    let write (line: string) =
        output.WriteLine line
        output.Flush()

    interface IPackObserver with
        member _.Started(what, images) =
            pace <- TransferPace(int64 images, 0L)
            sinceLine.Restart()
            write $"{what}: {images} images"

        member _.Advanced(images, bytes) =
            pace.Advance(int64 images)

            if sinceLine.Elapsed > heartbeat then
                sinceLine.Restart()
                write $"  {PackWords.progress pace bytes}"

        member _.Say message = write message

/// As a bar that stays in place on a terminal.
[<Sealed>]
type PackBar(console: IAnsiConsole, show: IRenderable -> unit) =
    let betweenFrames = Stopwatch.Frequency / 5L
    let mutable pace = TransferPace(0L, 0L)
    let mutable activity = ""
    let mutable nextFrame = 0L

    interface IPackObserver with
        member _.Started(what, images) =
            pace <- TransferPace(int64 images, 0L)
            activity <- what

        member _.Advanced(images, bytes) =
            pace.Advance(int64 images)
            let now = Stopwatch.GetTimestamp()

            if now >= nextFrame then
                nextFrame <- now + betweenFrames
                show (Markup $"{Markup.Escape activity} {Figures.bar pace.Fraction} {Markup.Escape(PackWords.progress pace bytes)}")

        member _.Say message = console.WriteLine message
