/// A file on a local server that responds correctly or incorrectly.
module ChannelDistillation.Tests.Runtime.Downloads.Scenes

open System
open System.Collections.Generic
open System.IO
open System.Security.Cryptography
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Tests

let content = Array.init 300_000 (fun i -> byte (i * 7))
let changed = Array.map (fun (value: byte) -> value + 1uy) content
let sha256 (bytes: byte array) = Convert.ToHexStringLower(SHA256.HashData bytes)

/// Collects the messages and where each file resumed.
/// <param name="received">Called when this many bytes of a file have been written.</param>
type Listener(?received: int64 -> unit) =
    let gate = obj ()
    let said = List<string>()
    let starts = List<int64>()
    let mutable bytes = 0L
    member _.Said = lock gate (fun () -> List.ofSeq said)
    member _.Starts = List.ofSeq starts
    member _.Bytes = bytes

    interface IWorkObserver with
        member _.Started(_, _, already, _) = lock gate (fun () -> starts.Add already)

        member _.Advanced now =
            bytes <- now
            received |> Option.iter (fun act -> act now)

        member _.Ended() = ()
        member _.Say message = lock gate (fun () -> said.Add message)

/// Retries at once.
let impatient =
    DownloadSettings(FirstWait = TimeSpan.FromMilliseconds 2.0, LongestWait = TimeSpan.FromMilliseconds 5.0, Retries = 2)

/// Blocks until a client closes its connection.
let untilGone (stream: Stream) = stream.CopyTo Stream.Null

/// A server, and a folder for its file `part.gz`.
type Scene(answer: Request -> Stream -> unit) =
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

    /// The error of a fetch.
    member scene.Failure(?settings, ?listener) =
        try
            scene.FetchAs(defaultArg settings impatient, defaultArg listener (Listener()), CancellationToken.None)
            failtest "it did not fail"
        with :? MissingException as missing ->
            missing.Message

    interface IDisposable with
        member _.Dispose() =
            (server :> IDisposable).Dispose()
            (folder :> IDisposable).Dispose()

let isRight (scene: Scene) =
    Expect.isTrue (File.ReadAllBytes scene.Path = content) "the right content"
    Expect.equal scene.Files [ "part.gz" ] "and nothing beside it"

let froms (scene: Scene) = scene.Requests |> List.map _.From

/// The error of a download that failed after all retries.
let givenUp (scene: Scene) reason kept =
    $"{scene.Url} could not be fetched: {reason}. {kept} Check the connection (behind a proxy: is HTTPS_PROXY set?) and "
    + $"repeat the command, or download it elsewhere and put it into {scene.Folder} as part.gz."

let nothing = "Nothing was downloaded."
