/// Fetching with the real program, from a mirror on this machine.
module ChannelDistillation.Tests.Cli.FetchTests

open System
open System.IO
open Expecto
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Cli.Running
open ChannelDistillation.Tests.Runtime.Downloads

let private start (root: string) (mirror: string) (arguments: string list) =
    new Started(root, arguments, root, [ "CHANNEL_DISTILLATION_MIRROR", mirror ])

/// The exit code and all output.
let private ended (started: Started) =
    let code, output, errors = started.End()
    code, output + errors

/// A file as long as the teacher's, but empty.
let private length = 87306240
let private arrived = 1 <<< 20

/// A mirror that sends a mebibyte and then stops. At the next request, it no longer has the file.
let private hesitant () =
    new LocalServer(fun request stream ->
        match request.From with
        | Some _ -> Answer.status "404 Not Found" stream
        | None ->
            Answer.head "200 OK" [ "Content-Length", string length ] stream
            stream.Write(Array.zeroCreate<byte> arrived)
            stream.Flush()
            Scenes.untilGone stream)

let private fetch = [ "teacher"; "fetch"; "resnet34-imagenet" ]

/// Starts a download and stops the process in the middle.
let private stoppedBy (stop: Started -> unit) (check: (int * string) -> unit) =
    use root = new TemporaryFolder()
    use mirror = hesitant ()
    use first = start root.Path (string mirror.Address) fetch
    let part = Path.Combine(root.Path, "pretrain", "resnet34-333f7ec4.pth.part")
    first.WaitUntil("a mebibyte has come", fun () -> File.Exists part && FileInfo(part).Length = int64 arrived)
    stop first
    check (ended first)
    Expect.equal (FileInfo(part).Length) (int64 arrived) "what has come is kept"
    use second = start root.Path (string mirror.Address) fetch
    let code, text = ended second
    Expect.equal code 3 text
    Expect.stringContains text "  resuming at 1.0 MB of 87 MB (1 %)\n" "it resumes"
    Expect.stringContains text "the server returned 404 (NotFound). The file was removed" "and reports the error"
    Expect.equal (mirror.Requests |> List.map _.From) [ None; Some(int64 arrived) ] "what was asked for"
    Expect.equal (mirror.Requests.Head.Path) "/resnet34-333f7ec4.pth" "by its name"

[<Tests>]
let tests =
    testList
        "fetching on the command line"
        [ test "An interrupted download prints the command that resumes it" {
              if OperatingSystem.IsWindows() then
                  skiptest "Windows has no signals"

              stoppedBy _.Signal("INT") (fun (code, text) ->
                  Expect.equal code 130 text
                  Expect.stringContains text "Stopping; the partial download is kept." "at once"

                  Expect.stringContains
                      text
                      "Interrupted; the partial download is kept. To resume: dotnet fsi build.fsx teacher fetch resnet34-imagenet\n"
                      "at the end")
          }

          test "A download resumes after its process was killed" { stoppedBy _.Kill() (fun (code, _) -> Expect.notEqual code 0 "killed") }

          test "A mirror that is not a URL is refused" {
              for mirror, shown in [ "somewhere", "somewhere"; "ftp://ann:secret@host/a?key=secret", "host/a?..." ] do
                  use root = new TemporaryFolder()
                  use started = start root.Path mirror fetch

                  Expect.equal
                      (ended started)
                      (3, $"CHANNEL_DISTILLATION_MIRROR must be an http or https address; it is `{shown}`.\n")
                      "exit code and text"
          } ]
