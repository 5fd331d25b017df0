namespace ChannelDistillation.Lab.Progress

open System
open System.IO
open Spectre.Console
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Dsl

/// Progress of a task of known size, such as a download or packing, as plain lines for logs and pipes.
/// <param name="seconds">Time between two lines.</param>
[<Sealed>]
type WorkLines(output: TextWriter, seconds: float, time: TimeProvider) =
    let lines = Heartbeat(output, seconds)
    let mutable started = 0L
    let mutable unit = WorkUnit.Bytes
    let mutable total, completed = 0L, 0L
    // The last line: the rate is that since then.
    let mutable lineAt, lineCompleted = 0L, 0L

    let mark () =
        lineAt <- time.GetTimestamp()
        lineCompleted <- completed

    let amount (number: int64) = if unit = WorkUnit.Bytes then ByteSize.Text number else string number

    /// `76 MB of 169 MB (45 %), 12 MB/s, 8 s left`.
    let state () =
        let elapsed = time.GetElapsedTime lineAt

        let speed =
            if completed > lineCompleted && completed < total && elapsed.TotalSeconds > 0.2 then
                let rate = float (completed - lineCompleted) / elapsed.TotalSeconds
                let left = TimeSpan.FromSeconds(float (total - completed) / rate)

                let rate =
                    if unit = WorkUnit.Bytes then
                        $"{ByteSize.Text(int64 rate)}/s"
                    else
                        Figures.rate rate

                $", {rate}, {Figures.duration left} left"
            else
                ""

        mark ()
        let unit = if unit = WorkUnit.Images then " images" else ""
        // Rounded down, so that 100 % means complete.
        $"  {amount completed} of {amount total}{unit} ({100L * completed / max 1L total} %%){speed}"

    new(output, seconds) = WorkLines(output, seconds, TimeProvider.System)

    interface IWorkObserver with
        member _.Started(what, whole, already, counted) =
            started <- time.GetTimestamp()
            unit <- counted
            total <- whole
            completed <- already
            mark ()
            lines.Restart()

            if unit = WorkUnit.Images && what <> "" then
                lines.Write $"{what}: {total} images"

            if already > 0L then
                lines.Write $"  resuming at{(state ()).Substring 1}"

        member _.Advanced now =
            let startsOver = now < completed
            completed <- now

            // The server sends the file from its beginning.
            if startsOver then
                mark ()

            lines.Beat state

        member _.Ended() =
            if unit = WorkUnit.Bytes && completed = total then
                lines.Write $"  {amount total} in {Figures.duration (time.GetElapsedTime started)}"

        member _.Say message = lines.Write message

/// The same as a progress bar in a terminal.
[<Sealed>]
type WorkBar(console: IAnsiConsole, context: ProgressContext) =
    let mutable task: ProgressTask option = None

    static member Columns(unit: WorkUnit) : ProgressColumn array =
        [| if unit = WorkUnit.Images then
               TaskDescriptionColumn()
           ProgressBarColumn()
           PercentageColumn()
           if unit = WorkUnit.Bytes then
               DownloadedColumn()
               TransferSpeedColumn()
           RemainingTimeColumn() |]

    interface IWorkObserver with
        member _.Started(what, total, already, _) =
            task <- Some(context.AddTask(Markup.Escape(Terminal.safe what), true, float (max 1L total), Value = float already))

        member _.Advanced now = task |> Option.iter (fun task -> task.Value <- float now)

        member _.Ended() = task |> Option.iter (fun task -> task.StopTask())

        member _.Say message = Above.say console message

/// For `--quiet`: messages only.
[<Sealed>]
type SilentWork() =
    interface IWorkObserver with
        member _.Started(_, _, _, _) = ()
        member _.Advanced _ = ()
        member _.Ended() = ()
        member _.Say message = eprintfn "%s" message
