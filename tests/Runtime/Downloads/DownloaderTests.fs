module ChannelDistillation.Tests.Runtime.Downloads.DownloaderTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Downloads
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

[<Tests>]
let tests =
    testList
        "a download"
        [ test "A download reports its progress, gets its final name, and is not repeated" {
              use scene = new Scene(Answer.ranged content)
              let listener = scene.Fetch()
              isRight scene
              Expect.equal listener.Said [ $"Fetching part.gz (0.3 MB) from {scene.Url}" ] "said"
              Expect.equal (listener.Starts, listener.Bytes) ([ 0L ], 300_000L) "progress"
              Expect.equal (scene.Fetch().Said) [] "nothing to say the second time"
              Expect.hasLength scene.Requests 1 "one request"
          }

          test "A download follows redirections, also when it resumes" {
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

          test "A download is retried if the server is busy" {
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

          test "A file that two processes need at the same time is downloaded once" {
              let listeners = [| for _ in 1..3 -> Listener() |]
              let waits (listener: Listener) = listener.Said = [ "Another process is fetching part.gz; waiting for it." ]
              let waiting () = listeners |> Array.filter waits |> Array.length

              use scene =
                  new Scene(fun request stream ->
                      SpinWait.SpinUntil(fun () -> waiting () = 2)
                      Answer.ranged content request stream)

              listeners
              |> Array.map (fun listener ->
                  let fetch () = scene.FetchAs(DownloadSettings(), listener, CancellationToken.None)
                  Task.Factory.StartNew(fetch, TaskCreationOptions.LongRunning))
              |> Task.WaitAll

              isRight scene
              Expect.hasLength scene.Requests 1 "one request"
              Expect.equal (waiting ()) 2 "the others wait, and find it"
          }

          test "A download comes from a mirror by its name" {
              use scene = new Scene(fun _ -> Answer.status "500 Internal Server Error")
              use mirror = new LocalServer(Answer.ranged content)
              scene.FetchAs(DownloadSettings(Mirror = Uri(mirror.Address, "files/")), Listener(), CancellationToken.None)
              isRight scene
              Expect.equal (mirror.Requests |> List.map _.Path, scene.Requests) ([ "/files/part.gz" ], []) "requests"
          } ]
