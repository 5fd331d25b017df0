module ChannelDistillation.Tests.Data.FetchTests

open System
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Sockets
open System.Security.Cryptography
open Expecto
open ChannelDistillation
open ChannelDistillation.Data

let content = Array.init 300_000 byte
let sha256 (bytes: byte array) = Convert.ToHexStringLower(SHA256.HashData bytes)

/// A server on this machine that answers every request with `answer`.
type Server(answer: HttpListenerResponse -> unit) =
    let port =
        use probe = new TcpListener(IPAddress.Loopback, 0)
        probe.Start()
        (probe.LocalEndpoint :?> IPEndPoint).Port

    let listener = new HttpListener()

    let rec serve () =
        async {
            let! context = listener.GetContextAsync() |> Async.AwaitTask
            answer context.Response
            return! serve ()
        }

    do
        listener.Prefixes.Add $"http://localhost:{port}/"
        listener.Start()
        Async.Start(Async.Catch(serve ()) |> Async.Ignore)

    member _.Address name = Uri $"http://localhost:{port}/{name}"

    interface IDisposable with
        member _.Dispose() = listener.Close()

let whole (bytes: byte array) (response: HttpListenerResponse) =
    response.ContentLength64 <- bytes.LongLength
    response.OutputStream.Write(bytes, 0, bytes.Length)
    response.Close()

/// A dataset of one file.
let small (file: DatasetFile) =
    let known = DatasetCatalog.Get "fashion-mnist"

    DatasetDescriptor(
        Name = "small",
        Doc = known.Doc,
        License = known.License,
        Format = known.Format,
        Image = known.Image,
        Classes = known.Classes,
        TrainingImages = known.TrainingImages,
        ValidationImages = known.ValidationImages,
        Normalization = known.Normalization,
        Augmentation = known.Augmentation,
        Files = [| file |]
    )

/// A dataset of one file on that server, and a place for it.
let withDataset (answer: HttpListenerResponse -> unit) (test: Workspace -> DatasetDescriptor -> string -> unit) =
    Sets.inTemporaryFolder (fun root ->
        use server = new Server(answer)
        let file = DatasetFile("part.gz", server.Address "part.gz", content.LongLength, sha256 content)
        let dataset = small file
        test (Workspace root) dataset (file.Url |> string))

/// Fetching fails with a message, and leaves nothing.
let refuses name (answer: HttpListenerResponse -> unit) (message: string -> string -> string) =
    test name {
        withDataset answer (fun workspace dataset url ->
            Expect.throwsC (fun () -> DatasetStore.Fetch(dataset, workspace, ignore)) (fun error ->
                Expect.equal (error.GetType()) typeof<MissingException> "kind"
                let folder = Path.Combine(workspace.Data, "small")
                Expect.equal error.Message (message url folder) "message"
                Expect.isEmpty (Directory.GetFiles folder) "nothing is left"))
    }

let again reason url folder =
    $"{url} could not be fetched: {reason} Nothing was kept. Check the connection and run the same command again, or put the file into {folder} yourself."

[<Tests>]
let tests =
    testList
        "fetching"
        [ test "a file with the right checksum is kept, with its progress told, and is not fetched twice" {
              withDataset (whole content) (fun workspace dataset url ->
                  let said = List<string>()
                  DatasetStore.Fetch(dataset, workspace, said.Add)
                  let folder = Path.Combine(workspace.Data, "small")
                  Expect.equal (File.ReadAllBytes(Path.Combine(folder, "part.gz"))) content "content"
                  Expect.equal (Directory.GetFiles folder |> Array.map Path.GetFileName) [| "part.gz" |] "files"
                  Expect.equal said[0] $"Fetching part.gz (0.3 MB) from {url}" "first line"
                  Expect.equal said[said.Count - 1] $"small is complete, in {folder}." "last line"
                  said.Clear()
                  DatasetStore.Fetch(dataset, workspace, said.Add)
                  Expect.equal (List.ofSeq said) [ $"small is already there, in {folder}." ] "second time")
          }

          refuses "a file with another checksum is refused" (whole "<html>Please log in</html>"B) (fun url _ ->
              $"What {url} sends is not the part.gz that is known here: its SHA-256 is "
              + sha256 "<html>Please log in</html>"B
              + $", it should be {sha256 content}. Nothing was kept. "
              + "A proxy or a log-in page may have answered instead; open the address in a browser to see.")

          refuses
              "a file that the server does not have is named"
              (fun response ->
                  response.StatusCode <- 404
                  response.Close())
              (again "the server answers 404 (NotFound).")

          refuses
              "a download that breaks off is named"
              (fun response ->
                  response.ContentLength64 <- content.LongLength
                  response.OutputStream.Write(content, 0, 100_000)
                  response.OutputStream.Flush()
                  response.Abort())
              (again "the connection broke off before the file was whole.")

          test "a folder that cannot be made is named" {
              Sets.inTemporaryFolder (fun root ->
                  File.WriteAllText(Path.Combine(root, "data"), "a file where the folder should be")
                  let file = DatasetFile("part.gz", Uri "http://nowhere.invalid/part.gz", 1L, sha256 [||])

                  Expect.throwsC (fun () -> DatasetStore.Fetch(small file, Workspace root, ignore)) (fun error ->
                      Expect.equal (error.GetType()) typeof<MissingException> "kind"
                      Expect.stringStarts error.Message "http://nowhere.invalid/part.gz could not be fetched: " "message"))
          }

          test "a server that cannot be reached is named" {
              Sets.inTemporaryFolder (fun root ->
                  let file = DatasetFile("part.gz", Uri "http://nowhere.invalid/part.gz", 1L, sha256 [||])
                  let dataset = small file

                  Expect.throwsC (fun () -> DatasetStore.Fetch(dataset, Workspace root, ignore)) (fun error ->
                      Expect.stringStarts error.Message "http://nowhere.invalid/part.gz could not be fetched: " "message"
                      Expect.isEmpty (Directory.GetFiles(Path.Combine(root, "data", "small"))) "nothing is left"))
          }

          test "a dataset that is part of the repository is not fetched" {
              let said = List<string>()
              DatasetStore.Fetch("fashion-mnist-mini", Sets.workspace, said.Add)
              let folder = Path.Combine(Sets.workspace.Data, "fashion-mnist-mini")
              Expect.equal (List.ofSeq said) [ $"fashion-mnist-mini is already there, in {folder}." ] "said"
          }

          test "a dataset that this version cannot read is not fetched" {
              Expect.throwsC (fun () -> DatasetStore.Fetch("cifar10", Sets.workspace, ignore)) (fun error ->
                  Expect.equal
                      error.Message
                      "This version cannot fetch or read the dataset cifar10 yet; experiments with it can be checked and planned."
                      "message")
          } ]
