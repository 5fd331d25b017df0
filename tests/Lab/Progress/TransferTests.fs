module ChannelDistillation.Tests.Lab.Progress.TransferTests

open System
open System.IO
open Expecto
open Microsoft.Extensions.Time.Testing
open Spectre.Console
open Spectre.Console.Rendering
open ChannelDistillation.Downloads
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Lab.Progress

let private file = RemoteFile("part.gz", Uri "http://localhost/part.gz", 10_000_000L, "")

let private lines (work: IDownloadObserver -> unit) =
    use output = new StringWriter()
    work (TransferLines output)
    output.ToString()

/// The last view of a bar, as text.
let private bar (work: IDownloadObserver -> unit) =
    use output = new StringWriter()

    let settings =
        AnsiConsoleSettings(Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = AnsiConsoleOutput output)

    let console = AnsiConsole.Create settings
    console.Profile.Width <- 200
    let mutable last: IRenderable = Text ""
    work (TransferBar(console, (fun view -> last <- view)))
    console.Write last
    output.ToString().Trim()

[<Tests>]
let tests =
    testList
        "progress of downloads"
        [ test "in a pipe the start, messages and the end are lines" {
              let text =
                  lines (fun observer ->
                      observer.Say "Fetching part.gz"
                      observer.Started(file, 0L)
                      observer.Advanced 5_000_000L
                      observer.Advanced 10_000_000L
                      observer.Ended())

              Expect.equal text "Fetching part.gz\n  10 MB in 0 s\n" "lines"
          }

          test "in a pipe a download that goes on says where, and one that is given up has no end" {
              let text =
                  lines (fun observer ->
                      observer.Started(file, 2_500_000L)
                      observer.Advanced 3_000_000L
                      observer.Ended())

              Expect.equal text "  going on at 2.5 MB of 10 MB (25 %)\n" "lines"
          }

          test "on a terminal a bar shows how much of a file is there" {
              let text = bar (fun observer -> observer.Started(file, 2_500_000L))
              Expect.equal text (String('━', 30) + " 2.5 MB of 10 MB (25 %)") "bar"

              Expect.equal
                  (bar (fun observer ->
                      observer.Started(file, 0L)
                      observer.Ended()))
                  ""
                  "nothing is left of it"
          }

          test "rate and time left are those of this attempt, and of the new start where the server starts anew" {
              let time = FakeTimeProvider()
              let pace = TransferPace(10_000L, 5_000L, time)
              Expect.isNone pace.Rate "nothing has come yet"
              time.Advance(TimeSpan.FromSeconds 0.5)
              pace.Advance 6_000L
              Expect.equal (pace.Rate, pace.Left) (Some 2_000.0, Some(TimeSpan.FromSeconds 2.0)) "1000 bytes in half a second, and 4000 to come"
              pace.Advance 0L
              Expect.isNone pace.Rate "after a new start"
          }

          test "sizes are short and readable" {
              let shown = [ 0L; 999L; 1_500L; 999_999L; 87_306_240L; 168_513_733L; 150_000_000_000L ] |> List.map ByteSize.Text
              Expect.equal shown [ "0 bytes"; "999 bytes"; "1.5 kB"; "1.0 MB"; "87 MB"; "169 MB"; "150 GB" ] "sizes"
          } ]
