/// Progress of downloads and of packing.
module ChannelDistillation.Tests.Lab.Progress.TaskProgressTests

open System
open System.IO
open Expecto
open Microsoft.Extensions.Time.Testing
open Spectre.Console
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Lab.Progress

/// What is written while the work is done; each line is due.
let private lines (work: IWorkObserver -> FakeTimeProvider -> unit) =
    use output = new StringWriter(NewLine = "\n")
    let time = FakeTimeProvider()
    work (WorkLines(output, 0.0, time)) time
    output.ToString()

[<Tests>]
let tests =
    testList
        "progress of work"
        [ test "In a pipe a download is reported with its rate, its time left and its end" {
              let text =
                  lines (fun observer time ->
                      observer.Say "Fetching part.gz"
                      observer.Started("part.gz", 10_000_000L, 0L, WorkUnit.Bytes)
                      time.Advance(TimeSpan.FromSeconds 2.0)
                      observer.Advanced 5_000_000L
                      time.Advance(TimeSpan.FromSeconds 2.0)
                      observer.Advanced 10_000_000L
                      observer.Ended())

              Expect.equal text "Fetching part.gz\n  5.0 MB of 10 MB (50 %), 2.5 MB/s, 2 s left\n  10 MB of 10 MB (100 %)\n  10 MB in 4 s\n" "lines"
          }

          test "A resumed download reports where it resumes, and none that is given up reports an end" {
              let text =
                  lines (fun observer time ->
                      observer.Started("part.gz", 10_000_000L, 2_500_000L, WorkUnit.Bytes)
                      time.Advance(TimeSpan.FromSeconds 1.0)
                      observer.Advanced 3_000_000L
                      observer.Ended())

              Expect.equal
                  text
                  "  resuming at 2.5 MB of 10 MB (25 %)\n  3.0 MB of 10 MB (30 %), 0.5 MB/s, 14 s left\n"
                  "rate and time left are those of this attempt"
          }

          test "A download that the server starts over is timed from there" {
              let text =
                  lines (fun observer time ->
                      observer.Started("part.gz", 10_000L, 5_000L, WorkUnit.Bytes)
                      time.Advance(TimeSpan.FromSeconds 9.0)
                      observer.Advanced 0L
                      time.Advance(TimeSpan.FromSeconds 1.0)
                      observer.Advanced 1_000L)

              Expect.stringEnds text "  0 bytes of 10.0 kB (0 %)\n  1.0 kB of 10.0 kB (10 %), 1.0 kB/s, 9 s left\n" "lines"
          }

          test "Packing is reported in images" {
              let text =
                  lines (fun observer time ->
                      observer.Started("Packing data/birds", 5_000L, 0L, WorkUnit.Images)
                      time.Advance(TimeSpan.FromSeconds 1.0)
                      observer.Advanced 1_200L
                      observer.Ended())

              Expect.equal text "Packing data/birds: 5000 images\n  1200 of 5000 images (24 %), 1200 images/s, 3 s left\n" "lines"
          }

          test "On a terminal a bar shows the work and leaves nothing behind" {
              use output = new StringWriter(NewLine = "\n")

              let console =
                  AnsiConsole.Create(
                      AnsiConsoleSettings(Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, Out = AnsiConsoleOutput output)
                  )

              console.Profile.Width <- 100

              console
                  .Progress()
                  .AutoRefresh(false)
                  .AutoClear(true)
                  .Columns(WorkBar.Columns WorkUnit.Images)
                  .Start(fun context ->
                      let observer: IWorkObserver = WorkBar(console, context)
                      observer.Started("Packing [birds]\u001b[2J", 10L, 2L, WorkUnit.Images)
                      observer.Advanced 5L
                      context.Refresh()
                      observer.Ended())

              let text = output.ToString()
              Expect.stringContains text "Packing [birds]\\u001B[2J" "the activity, with its control character written out"
              Expect.stringContains text "50%" "how much of it is complete"
          }

          test "Sizes are short and readable" {
              let shown = [ 0L; 999L; 1_500L; 999_999L; 87_306_240L; 168_513_733L; 150_000_000_000L ] |> List.map ByteSize.Text
              Expect.equal shown [ "0 bytes"; "999 bytes"; "1.5 kB"; "1.0 MB"; "87 MB"; "169 MB"; "150 GB" ] "sizes"
          } ]
