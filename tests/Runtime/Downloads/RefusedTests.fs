module ChannelDistillation.Tests.Runtime.Downloads.RefusedTests

open System
open System.IO
open System.Threading
open Expecto
open Microsoft.Extensions.Time.Testing
open ChannelDistillation.Downloads
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

[<Tests>]
let tests =
    testList
        "a download that fails"
        [ test "A stalled download is retried, and then fails" {
              use scene =
                  new Scene(fun request stream ->
                      Answer.cutAfter 1000 content request stream
                      untilGone stream)

              let time = FakeTimeProvider()
              let settings = DownloadSettings(Stall = TimeSpan.FromSeconds 0.5, FirstWait = impatient.FirstWait, Retries = 2, Time = time)

              let stalled =
                  Listener(fun bytes ->
                      if bytes > 0L && bytes % 1000L = 0L then
                          time.Advance settings.Stall)

              let message = scene.Failure(settings, stalled)

              Expect.equal message (givenUp scene "the server sent nothing for 0.5 seconds" "3.0 kB are downloaded and will be reused.") "message"

              Expect.equal (froms scene) [ None; Some 1000L; Some 2000L ] "each attempt went on"
          }

          test "A download without any data fails" {
              use scene = new Scene(fun _ _ -> ())
              let message = scene.Failure()
              Expect.stringStarts message $"{scene.Url} could not be fetched: " "message"
              Expect.stringContains message nothing "message"
              Expect.isEmpty scene.Files "nothing is left"
          }

          test "A download from an unknown host fails at once" {
              use folder = new TemporaryFolder()
              let file = RemoteFile("x.gz", Uri "http://nowhere.invalid/x.gz", 1L, sha256 [||])
              let listener = Listener()

              Expect.throwsC (fun () -> Downloader(impatient, listener).Bring(file, folder.File "x.gz", CancellationToken.None)) (fun error ->
                  Expect.equal
                      error.Message
                      ("http://nowhere.invalid/x.gz could not be fetched: the host nowhere.invalid cannot be resolved. Nothing was downloaded. "
                       + "Check the network and repeat the command (behind a proxy: set HTTPS_PROXY; for a mirror: "
                       + $"CHANNEL_DISTILLATION_MIRROR), or download it elsewhere and put it into {folder.Path} as x.gz.")
                      "message")

              Expect.equal listener.Said [ "Fetching x.gz (1 byte) from http://nowhere.invalid/x.gz" ] "and no other try"
              Expect.isEmpty (Directory.GetFiles folder.Path) "nothing is left"
          }

          test "A file that was removed or is forbidden is not requested again" {
              for status, advice in
                  [ "404 (NotFound)", "The file was removed; "
                    "403 (Forbidden)", "Open the address in a browser to see why, or " ] do
                  use scene = new Scene(fun _ -> Answer.status (status.Replace("(", "").Replace(")", "")))

                  Expect.equal
                      (scene.Failure())
                      ($"{scene.Url} could not be fetched: the server returned {status}. {advice}"
                       + $"download it elsewhere and put it into {scene.Folder} as part.gz.")
                      status

                  Expect.hasLength scene.Requests 1 "one request"
                  Expect.isEmpty scene.Files "nothing is left"
          }

          test "A web page instead of the file is an error" {
              use scene =
                  new Scene(fun _ stream ->
                      Answer.head "200 OK" [ "Content-Type", "text/html; charset=utf-8"; "Content-Length", "25" ] stream
                      stream.Write "<html>Please log in</html>"B)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} returned a web page instead of the file, probably from a proxy or a log-in page. "
                   + $"Open the address in a browser, or download it elsewhere and put it into {scene.Folder} as part.gz.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "A file of another size is refused before it is downloaded" {
              use scene = new Scene(fun _ -> Answer.whole "<html>Please log in</html>"B)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} has 26 bytes instead of 300000: the file has changed, or another server responds. "
                   + "Open the address in a browser to check.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "A file with other content is refused" {
              use scene = new Scene(fun _ -> Answer.whole changed)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} is not the expected part.gz: its SHA-256 is {sha256 changed} instead of {sha256 content}. "
                   + "Nothing was kept. The file has changed, or another server responds; open the address in a browser to check.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
              Expect.hasLength scene.Requests 1 "one request"
          }

          test "A response of unknown, endless length is refused" {
              use scene =
                  new Scene(fun _ stream ->
                      Answer.head "200 OK" [] stream

                      while true do
                          stream.Write content)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} sends more than the 300000 bytes of part.gz: the file has changed, or another server responds. "
                   + "Nothing was kept. Open the address in a browser to check.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "A download that does not fit on the disk is not started" {
              use scene = new Scene(Answer.ranged content)
              let file = RemoteFile("part.gz", scene.Url, Int64.MaxValue, sha256 content)

              Expect.throwsC (fun () -> Downloader(impatient, Listener()).Bring(file, scene.Path, CancellationToken.None)) (fun error ->
                  Expect.stringStarts error.Message $"{scene.Path} needs 9223372037 GB more, and its disk has " "message")

              Expect.isEmpty scene.Requests "no request"
              Expect.isEmpty scene.Files "nothing is left"
          }

          test "A folder that cannot be created is reported by name" {
              use scene = new Scene(Answer.ranged content)
              File.WriteAllText(scene.Path, "a file where the folder should be")
              let path = Path.Combine(scene.Path, "inside", "part.gz")

              Expect.throwsC (fun () -> Downloader(impatient, Listener()).Bring(scene.File, path, CancellationToken.None)) (fun error ->
                  Expect.stringStarts error.Message $"{path} cannot be written: " "message"

                  Expect.stringEnds
                      error.Message
                      "Free disk space or make the folder writable, and repeat the command; the downloaded part is kept."
                      "message")
          } ]
