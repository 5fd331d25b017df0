module ChannelDistillation.Tests.Runtime.Downloads.ResumingTests

open System
open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Downloads
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

[<Tests>]
let tests =
    testList
        "a download that was broken off"
        [ test "A download resumes where the connection was closed" {
              use scene = new Scene(fun request -> Answer.cutAfter 100_000 content request)
              let listener = scene.Fetch()
              isRight scene
              Expect.equal (froms scene) [ None; Some 100_000L; Some 200_000L ] "what was asked for"
              Expect.equal listener.Said[1] "part.gz: the connection was closed before the file was complete. Retrying in 1 s (1 of 2)." "said"
          }

          test "A failed download keeps the downloaded part for the next command" {
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
                  (givenUp scene "the server returned 503 (ServiceUnavailable)" "0.1 MB are downloaded and will be reused.")
                  "message"

              Expect.equal scene.Files [ "part.gz.part" ] "kept"
              use again = new LocalServer(Answer.ranged content)
              let listener = Listener()
              let file = RemoteFile("part.gz", Uri(again.Address, "part.gz"), content.LongLength, sha256 content)
              Downloader(impatient, listener).Bring(file, scene.Path, CancellationToken.None)
              isRight scene
              Expect.equal (again.Requests |> List.map _.From, listener.Starts) ([ Some 100_000L ], [ 100_000L ]) "went on"
          }

          test "A download restarts if the server does not support ranges" {
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
              Expect.contains listener.Said "The server cannot resume part.gz; the download restarts." "said"
          }

          test "A file whose content changes between two parts is downloaded again" {
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
                  "The parts of part.gz do not match: the file changed during the download, or was damaged. Downloading it again."
                  "said"
          }

          test "A partial file longer than the file, or unknown to the server, is downloaded again" {
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

          test "A complete but unverified file needs no server" {
              use scene = new Scene(fun _ -> Answer.status "500 Internal Server Error")
              File.WriteAllBytes(scene.Path + ".part", content)
              scene.Fetch() |> ignore
              isRight scene
              Expect.isEmpty scene.Requests "no request"
          }

          test "A response of unknown length that ends early is resumed" {
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

          test "A response with another part than requested restarts the download" {
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

          test "A cancelled download keeps the downloaded part" {
              use stop = new CancellationTokenSource()

              use scene =
                  new Scene(fun request stream ->
                      Answer.cutAfter 100_000 content request stream
                      untilGone stream)

              let listener =
                  Listener(fun bytes ->
                      if bytes = 100_000L then
                          stop.Cancel())

              Expect.throwsC (fun () -> scene.FetchAs(DownloadSettings(), listener, stop.Token)) (fun error ->
                  Expect.isTrue (error :? OperationCanceledException) $"stopped: {error}")

              Expect.equal scene.Files [ "part.gz.part" ] "kept"
              Expect.equal (File.ReadAllBytes(scene.Path + ".part")) content[..99_999] "what came"
          } ]
