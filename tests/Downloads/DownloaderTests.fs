module ChannelDistillation.Tests.Downloads.DownloaderTests

open System
open System.Collections.Generic
open System.IO
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation
open ChannelDistillation.Downloads
open ChannelDistillation.Tests

let private content = Array.init 300_000 (fun i -> byte (i * 7))
let private changed = Array.map (fun (value: byte) -> value + 1uy) content
let private sha256 (bytes: byte array) = Convert.ToHexStringLower(SHA256.HashData bytes)

/// Collects what is said and where each file went on.
type Listener() =
    let gate = obj ()
    let said = List<string>()
    let starts = List<int64>()
    let mutable bytes = 0L
    member _.Said = lock gate (fun () -> List.ofSeq said)
    member _.Starts = List.ofSeq starts
    member _.Bytes = bytes

    interface IDownloadObserver with
        member _.Started(_, already) = lock gate (fun () -> starts.Add already)
        member _.Advanced now = bytes <- now
        member _.Ended() = ()
        member _.Say message = lock gate (fun () -> said.Add message)

/// A second is long for a server on this machine.
let private impatient =
    DownloadSettings(
        Stall = TimeSpan.FromSeconds 0.5,
        FirstWait = TimeSpan.FromMilliseconds 2.0,
        LongestWait = TimeSpan.FromMilliseconds 5.0,
        Retries = 2
    )

/// A server, and a folder for the file `part.gz` that it has.
type private Scene(answer: Request -> Stream -> unit) =
    let server = new LocalServer(answer)
    let folder = new TemporaryFolder()
    member _.Url = Uri(server.Address, "part.gz")
    member _.Requests = server.Requests
    member _.Folder = folder.Path
    member _.Path = folder.File "part.gz"
    member scene.File = RemoteFile("part.gz", scene.Url, content.LongLength, sha256 content)
    member _.Files = Directory.GetFiles folder.Path |> Array.map Path.GetFileName |> Array.sort |> List.ofArray
    member scene.FetchAs(settings, listener: Listener, stop) = Downloader(settings, listener).Bring(scene.File, scene.Path, stop)

    member scene.Fetch() =
        let listener = Listener()
        scene.FetchAs(impatient, listener, CancellationToken.None)
        listener

    /// The message of a fetch that fails.
    member scene.Failure() =
        try
            scene.Fetch() |> ignore
            failtest "it did not fail"
        with :? MissingException as missing ->
            missing.Message

    interface IDisposable with
        member _.Dispose() =
            (server :> IDisposable).Dispose()
            (folder :> IDisposable).Dispose()

let private isRight (scene: Scene) =
    Expect.isTrue (File.ReadAllBytes scene.Path = content) "the right content"
    Expect.equal scene.Files [ "part.gz" ] "and nothing beside it"

let private froms (scene: Scene) = scene.Requests |> List.map _.From

/// What is said of a download that was given up.
let private givenUp (scene: Scene) reason kept =
    $"{scene.Url} could not be fetched: {reason}. {kept} Check the connection (behind a proxy: is HTTPS_PROXY set?) and "
    + $"run the same command again, or put it into {scene.Folder} yourself, as part.gz."

let private nothing = "Nothing has come of it."

[<Tests>]
let tests =
    // One after the other: some of them measure how long nothing comes.
    testSequenced
    <| testList
        "a download"
        [ test "appears under its name, with its progress told, and is not fetched twice" {
              use scene = new Scene(Answer.ranged content)
              let listener = scene.Fetch()
              isRight scene
              Expect.equal listener.Said [ $"Fetching part.gz (0.3 MB) from {scene.Url}" ] "said"
              Expect.equal (listener.Starts, listener.Bytes) ([ 0L ], 300_000L) "progress"
              Expect.equal (scene.Fetch().Said) [] "nothing to say the second time"
              Expect.hasLength scene.Requests 1 "one request"
          }

          test "goes on where the connection broke off" {
              use scene = new Scene(fun request -> Answer.cutAfter 100_000 content request)
              let listener = scene.Fetch()
              isRight scene
              Expect.equal (froms scene) [ None; Some 100_000L; Some 200_000L ] "what was asked for"
              Expect.equal listener.Said[1] "part.gz: the connection broke off before the file was whole. Trying again in 1 s (1 of 2)." "said"
          }

          test "keeps what has come for the next command" {
              let mutable online = true

              use scene =
                  new Scene(fun request stream ->
                      if online then
                          Answer.cutAfter 100_000 content { request with From = request.From } stream
                          online <- false
                      elif request.From = Some 100_000L then
                          Answer.status "503 Service Unavailable" stream)

              let message = scene.Failure()

              Expect.equal
                  message
                  (givenUp scene "the server answers 503 (ServiceUnavailable)" "0.1 MB of it are here and will not be fetched again.")
                  "message"

              Expect.equal scene.Files [ "part.gz.part" ] "kept"
              use again = new LocalServer(Answer.ranged content)
              let listener = Listener()
              let file = RemoteFile("part.gz", Uri(again.Address, "part.gz"), content.LongLength, sha256 content)
              Downloader(impatient, listener).Bring(file, scene.Path, CancellationToken.None)
              isRight scene
              Expect.equal (again.Requests |> List.map _.From, listener.Starts) ([ Some 100_000L ], [ 100_000L ]) "went on"
          }

          test "starts anew where the server knows no ranges" {
              let mutable first = true

              use scene =
                  new Scene(fun request stream ->
                      if first then
                          first <- false
                          Answer.cutAfter 100_000 content request stream
                      else
                          Answer.whole content stream)

              let listener = scene.Fetch()
              isRight scene
              Expect.equal (froms scene) [ None; Some 100_000L ] "what was asked for"
              Expect.contains listener.Said "The server cannot go on in the middle of part.gz: it starts anew." "said"
          }

          test "whose content changes between two halves is fetched anew" {
              let mutable first = true

              use scene =
                  new Scene(fun request stream ->
                      if first then
                          first <- false
                          Answer.cutAfter 100_000 changed request stream
                      else
                          Answer.ranged content request stream)

              let listener = scene.Fetch()
              isRight scene
              Expect.equal (froms scene) [ None; Some 100_000L; None ] "what was asked for"

              Expect.contains
                  listener.Said
                  "The pieces of part.gz do not belong together: it has changed in between, or was damaged. Fetching it anew."
                  "said"
          }

          test "goes on from a part that is longer than the file, or that the server does not have, by starting anew" {
              use scene = new Scene(Answer.ranged content)
              File.WriteAllBytes(scene.Path + ".part", Array.zeroCreate 300_001)
              scene.Fetch() |> ignore
              isRight scene
              Expect.equal (froms scene) [ None ] "what was asked for"

              use short =
                  new Scene(fun request stream ->
                      match request.From with
                      | Some _ -> Answer.status "416 Range Not Satisfiable" stream
                      | None -> Answer.whole content stream)

              File.WriteAllBytes(short.Path + ".part", Array.zeroCreate 200_000)
              short.Fetch() |> ignore
              isRight short
          }

          test "that was complete but not yet checked needs no server" {
              use scene = new Scene(fun _ -> Answer.status "500 Internal Server Error")
              File.WriteAllBytes(scene.Path + ".part", content)
              scene.Fetch() |> ignore
              isRight scene
              Expect.isEmpty scene.Requests "no request"
          }

          test "follows a redirection, also in the middle" {
              use scene =
                  new Scene(fun request stream ->
                      if request.Path = "/part.gz" then
                          Answer.head "302 Found" [ "Location", "/elsewhere/part.gz"; "Content-Length", "0" ] stream
                      else
                          Answer.cutAfter 200_000 content request stream)

              scene.Fetch() |> ignore
              isRight scene

              Expect.equal
                  (scene.Requests |> List.filter (fun request -> request.Path <> "/part.gz") |> List.map _.From)
                  [ None; Some 200_000L ]
                  "ranges"
          }

          test "is tried again where the server is busy" {
              let mutable busy = 2

              use scene =
                  new Scene(fun request stream ->
                      if busy > 0 then
                          busy <- busy - 1
                          Answer.status "503 Service Unavailable" stream
                      else
                          Answer.ranged content request stream)

              scene.Fetch() |> ignore
              isRight scene
          }

          test "that stalls is tried again, and given up" {
              use scene =
                  new Scene(fun request stream ->
                      Answer.cutAfter 1000 content request stream
                      stream.Flush()
                      Thread.Sleep 2000)

              let message = scene.Failure()

              Expect.equal
                  message
                  (givenUp scene "the server has sent nothing for 0.5 seconds" "3.0 kB of it are here and will not be fetched again.")
                  "message"

              Expect.equal (froms scene) [ None; Some 1000L; Some 2000L ] "each attempt went on"
          }

          test "of which nothing comes is given up" {
              use scene = new Scene(fun _ _ -> ())
              let message = scene.Failure()
              Expect.stringStarts message $"{scene.Url} could not be fetched: " "message"
              Expect.stringContains message nothing "message"
              Expect.isEmpty scene.Files "nothing is left"
          }

          test "from a server that cannot be reached is given up" {
              use folder = new TemporaryFolder()
              let file = RemoteFile("x.gz", Uri "http://nowhere.invalid/x.gz", 1L, sha256 [||])

              Expect.throwsC (fun () -> Downloader(impatient, Listener()).Bring(file, folder.File "x.gz", CancellationToken.None)) (fun error ->
                  Expect.stringStarts error.Message "http://nowhere.invalid/x.gz could not be fetched: " "message"
                  Expect.isEmpty (Directory.GetFiles folder.Path) "nothing is left")
          }

          test "that the server has no longer, or does not give, is not tried again" {
              for status, advice in
                  [ "404 (NotFound)", "The file is no longer there; find it elsewhere and "
                    "403 (Forbidden)", "Open the address in a browser to see why, or get the file elsewhere and " ] do
                  use scene = new Scene(fun _ -> Answer.status (status.Replace("(", "").Replace(")", "")))

                  Expect.equal
                      (scene.Failure())
                      ($"{scene.Url} could not be fetched: the server answers {status}. {advice}"
                       + $"put it into {scene.Folder} yourself, as part.gz.")
                      status

                  Expect.hasLength scene.Requests 1 "one request"
                  Expect.isEmpty scene.Files "nothing is left"
          }

          test "that is a web page is refused" {
              use scene =
                  new Scene(fun _ stream ->
                      Answer.head "200 OK" [ "Content-Type", "text/html; charset=utf-8"; "Content-Length", "25" ] stream
                      stream.Write "<html>Please log in</html>"B)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} answers with a web page instead of the file: a proxy or a log-in page, probably. "
                   + $"Open the address in a browser to see, or put it into {scene.Folder} yourself, as part.gz.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "of another size is refused before it is fetched" {
              use scene = new Scene(fun _ -> Answer.whole "<html>Please log in</html>"B)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} has 26 bytes where part.gz has 300000: the file there has changed, or something else answers. "
                   + "Open the address in a browser to see.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "with other content is refused" {
              use scene = new Scene(fun _ -> Answer.whole changed)

              Expect.equal
                  (scene.Failure())
                  ($"What {scene.Url} sends is not the part.gz that is known here: its SHA-256 is {sha256 changed}, it should be {sha256 content}. "
                   + "Nothing was kept. The file there has changed, or something else answers; open the address in a browser to see.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
              Expect.hasLength scene.Requests 1 "one request"
          }

          test "that does not say its length and never ends is refused" {
              use scene =
                  new Scene(fun _ stream ->
                      Answer.head "200 OK" [] stream

                      while true do
                          stream.Write content)

              Expect.equal
                  (scene.Failure())
                  ($"{scene.Url} sends more than the 300000 bytes of part.gz: the file there has changed, or something else answers. "
                   + "Nothing was kept. Open the address in a browser to see.")
                  "message"

              Expect.isEmpty scene.Files "nothing is left"
          }

          test "that does not say its length and ends early goes on" {
              use scene =
                  new Scene(fun request stream ->
                      match request.From with
                      | None ->
                          Answer.head "200 OK" [] stream
                          stream.Write(content, 0, 50_000)
                      | Some _ -> Answer.ranged content request stream)

              scene.Fetch() |> ignore
              isRight scene
              Expect.equal (froms scene) [ None; Some 50_000L ] "what was asked for"
          }

          test "that sends another part than it was asked for starts anew" {
              let mutable asked = 0

              use scene =
                  new Scene(fun request stream ->
                      asked <- asked + 1

                      match asked with
                      | 1 -> Answer.cutAfter 100_000 content request stream
                      | 2 -> Answer.ranged content { request with From = Some 50_000L } stream
                      | _ -> Answer.ranged content request stream)

              scene.Fetch() |> ignore
              isRight scene
              Expect.equal (froms scene) [ None; Some 100_000L; None ] "what was asked for"
          }

          test "that two want at once is fetched once" {
              use scene =
                  new Scene(fun request stream ->
                      Thread.Sleep 200
                      Answer.ranged content request stream)

              let listeners = [| for _ in 1..3 -> Listener() |]

              listeners
              |> Array.map (fun listener -> Task.Run(fun () -> scene.FetchAs(DownloadSettings(), listener, CancellationToken.None)))
              |> Task.WaitAll

              isRight scene
              Expect.hasLength scene.Requests 1 "one request"

              let waited =
                  listeners |> Array.filter (fun listener -> listener.Said = [ "Another process is fetching part.gz; waiting for it." ])

              Expect.hasLength waited 2 "the others wait, and find it"
          }

          test "that is stopped keeps what has come" {
              use stop = new CancellationTokenSource()

              use scene =
                  new Scene(fun request stream ->
                      Answer.cutAfter 100_000 content request stream
                      stream.Flush()
                      Thread.Sleep 100
                      stop.Cancel()
                      Thread.Sleep 2000)

              Expect.throwsC (fun () -> scene.FetchAs(DownloadSettings(), Listener(), stop.Token)) (fun error ->
                  Expect.isTrue (error :? OperationCanceledException) $"stopped: {error}")

              Expect.equal scene.Files [ "part.gz.part" ] "kept"
              Expect.equal (File.ReadAllBytes(scene.Path + ".part")) content[..99_999] "what came"
          }

          test "comes from a mirror by its name" {
              use scene = new Scene(fun _ -> Answer.status "500 Internal Server Error")
              use mirror = new LocalServer(Answer.ranged content)
              scene.FetchAs(DownloadSettings(Mirror = Uri(mirror.Address, "files/")), Listener(), CancellationToken.None)
              isRight scene
              Expect.equal (mirror.Requests |> List.map _.Path, scene.Requests) ([ "/files/part.gz" ], []) "requests"
          }

          test "that does not fit onto the disk is not begun" {
              use scene = new Scene(Answer.ranged content)
              let file = RemoteFile("part.gz", scene.Url, Int64.MaxValue, sha256 content)

              Expect.throwsC (fun () -> Downloader(impatient, Listener()).Bring(file, scene.Path, CancellationToken.None)) (fun error ->
                  Expect.stringStarts error.Message $"{scene.Path} needs 9223372037 GB more, and its disk has " "message")

              Expect.isEmpty scene.Requests "no request"
              Expect.isEmpty scene.Files "nothing is left"
          }

          test "into a folder that cannot be made is named" {
              use scene = new Scene(Answer.ranged content)
              File.WriteAllText(scene.Path, "a file where the folder should be")
              let path = Path.Combine(scene.Path, "inside", "part.gz")

              Expect.throwsC (fun () -> Downloader(impatient, Listener()).Bring(scene.File, path, CancellationToken.None)) (fun error ->
                  Expect.stringStarts error.Message $"{path} cannot be written: " "message"

                  Expect.stringEnds
                      error.Message
                      "Make room or make the folder writable, and run the same command again: what is already there is kept."
                      "message")
          } ]
