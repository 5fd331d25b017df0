namespace ChannelDistillation.Lab.Progress

open System
open System.IO
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Downloads
open ChannelDistillation.Data.ImageFolders.Packed
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs

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
    let lines = Heartbeat(output, 10.0)
    let mutable pace = TransferPace(0L, 0L)

    interface IPackObserver with
        member _.Started(what, images) =
            pace <- TransferPace(int64 images, 0L)
            lines.Write $"{what}: {images} images"

        member _.Advanced(images, bytes) =
            pace.Advance(int64 images)
            lines.Beat(fun () -> $"  {PackWords.progress pace bytes}")

        member _.Say message = lines.Write message

/// As a bar that stays in place on a terminal.
[<Sealed>]
type PackBar(console: IAnsiConsole, show: IRenderable -> unit) =
    let frames = Frames 5L
    let mutable pace = TransferPace(0L, 0L)
    let mutable activity = ""

    interface IPackObserver with
        member _.Started(what, images) =
            pace <- TransferPace(int64 images, 0L)
            activity <- what

        member _.Advanced(images, bytes) =
            pace.Advance(int64 images)

            frames.Due(fun () -> show (Markup $"{Markup.Escape activity} {Figures.bar pace.Fraction} {Markup.Escape(PackWords.progress pace bytes)}"))

        member _.Say message = Above.say console message
