module ChannelDistillation.Tests.Runtime.Data.FetchTests

open System
open System.IO
open System.Security.Cryptography
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Downloads
open ChannelDistillation.Data
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Data.CifarFiles
open ChannelDistillation.Tests.Runtime.Downloads
open ChannelDistillation.Tests.Runtime.Downloads.Scenes

let private sha256 (bytes: byte array) = Convert.ToHexStringLower(SHA256.HashData bytes)

/// A workspace, a server with the archive of a small CIFAR-100, and that dataset.
type private Scene() =
    let bytes = archiveOf filesOfHundred
    let server = new LocalServer(Answer.ranged bytes)
    let root = new TemporaryFolder()
    let name = "cifar-100-binary.tar.gz"
    member _.Archive = bytes
    member _.Requests = server.Requests.Length
    member _.Workspace = Workspace root.Path
    member scene.Home = Path.Combine(scene.Workspace.Data, "cifar100")
    member scene.File name = Path.Combine(scene.Home, name)
    member _.Dataset = small "cifar100" 40 12 [ DatasetFile(name, Uri(server.Address, name), bytes.LongLength, sha256 bytes) ]

    /// Puts existing files into place before anything is fetched.
    member scene.Put(name: string, content: byte array) =
        let path = scene.File name
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore
        File.WriteAllBytes(path, content)

    member scene.Names =
        Directory.GetFiles(scene.Home, "*", SearchOption.AllDirectories)
        |> Array.map (fun path -> Path.GetRelativePath(scene.Home, path))
        |> Array.sort
        |> List.ofArray

    /// The messages.
    member scene.Fetch() =
        let listener = Listener()
        DatasetStore.Fetch(scene.Dataset, scene.Workspace, Downloader(DownloadSettings(), listener), CancellationToken.None)
        listener.Said

    member scene.State = DatasetStore.StateOf(scene.Dataset, scene.Workspace)

    interface IDisposable with
        member _.Dispose() =
            (server :> IDisposable).Dispose()
            (root :> IDisposable).Dispose()

let private unpacked = [ "SHA256SUMS"; "test.bin"; "train.bin" ]

let private isRight (scene: Scene) =
    for name, content in filesOfHundred do
        Expect.isTrue (File.ReadAllBytes(scene.File(string (Path.GetFileName name))) = content) name

[<Tests>]
let tests =
    testList
        "fetching a dataset"
        [ test "Fetching a dataset that is part of the repository does nothing" {
              let listener = Listener()
              let mini = DatasetCatalog.Get "fashion-mnist-mini"
              DatasetStore.Fetch(mini, Sets.workspace, Downloader(DownloadSettings(), listener), CancellationToken.None)
              let folder = Path.Combine(Sets.workspace.Data, "fashion-mnist-mini")
              Expect.equal listener.Said [ $"fashion-mnist-mini is complete and verified, in {folder}." ] "said"
          }

          test "Fetching downloads the archive, unpacks it and removes it" {
              use scene = new Scene()
              Expect.isFalse scene.State.IsBegun "before"
              let said = scene.Fetch()
              isRight scene
              Expect.equal scene.Names unpacked "files"

              Expect.equal
                  said
                  [ $"Fetching cifar-100-binary.tar.gz ({ByteSize.Text scene.Archive.LongLength}) from {scene.Dataset.Files[0].Url}"
                    "Unpacking cifar-100-binary.tar.gz"
                    $"cifar100 is complete, in {scene.Home}." ]
                  "said"

              Expect.equal (scene.Fetch()) [ $"cifar100 is complete and verified, in {scene.Home}." ] "the second time"
              Expect.equal scene.Requests 1 "one request"
              Expect.equal scene.State.Folder scene.Home "state"
              Expect.equal scene.State.BytesOnDisk (Nullable(52L * 3074L)) "bytes"
          }

          test "Unpacking that is interrupted, or runs out of disk space, is repeated from the archive, which is then removed" {
              use scene = new Scene()
              use stop = new CancellationTokenSource()

              let stopping =
                  { new IWorkObserver with
                      member _.Started(_, _, _, _) = ()
                      member _.Advanced _ = ()
                      member _.Ended() = ()

                      member _.Say message =
                          if message.StartsWith "Unpacking" then
                              stop.Cancel() }

              let fetchWith observer = DatasetStore.Fetch(scene.Dataset, scene.Workspace, Downloader(DownloadSettings(), observer), stop.Token)

              Expect.throwsC (fun () -> fetchWith stopping) (fun error -> Expect.isTrue (error :? OperationCanceledException) $"stopped: {error}")
              Expect.equal scene.Names [ "cifar-100-binary.tar.gz"; "cifar-100-binary.tar.gz.fetched" ] "kept"
              // A file that cannot be written, as on a full disk.
              Directory.CreateDirectory(scene.File "test.bin") |> ignore
              Expect.throwsC (fun () -> scene.Fetch() |> ignore) (fun error -> Expect.isTrue (error :? MissingException) $"{error}")
              Directory.Delete(scene.File "test.bin")
              Expect.equal (scene.Fetch()) [ "Unpacking cifar-100-binary.tar.gz"; $"cifar100 is complete, in {scene.Home}." ] "said"
              isRight scene
              Expect.equal scene.Names unpacked "nothing else is left"
              Expect.equal scene.Requests 1 "fetched once"
          }

          test "An archive placed by the user is unpacked and kept" {
              use scene = new Scene()
              scene.Put("cifar-100-binary.tar.gz", scene.Archive)
              Expect.equal (List.ofSeq scene.State.Missing) [ "train.bin"; "test.bin" ] "incomplete"
              Expect.isTrue scene.State.IsBegun "begun"
              Expect.equal (scene.Fetch()) [ "Unpacking cifar-100-binary.tar.gz"; $"cifar100 is complete, in {scene.Home}." ] "said"
              isRight scene
              Expect.equal scene.Names ("SHA256SUMS" :: "cifar-100-binary.tar.gz" :: unpacked.Tail) "files"
              Expect.equal scene.Requests 0 "no request"
          }

          test "Files unpacked by the user are used" {
              for inner in [ ""; "cifar-100-binary/" ] do
                  use scene = new Scene()

                  for name, content in filesOfHundred do
                      scene.Put(inner + string (Path.GetFileName name), content)

                  let folder = (scene.File inner).TrimEnd '/'
                  Expect.equal (scene.Fetch()) [ $"cifar100 is complete and verified, in {folder}." ] "said"
                  Expect.equal scene.Requests 0 "no request"
          }

          test "A changed file is renamed and fetched again" {
              use scene = new Scene()
              scene.Fetch() |> ignore
              let path = scene.File "test.bin"
              let changed = File.ReadAllBytes path
              changed[1000] <- changed[1000] + 1uy
              File.WriteAllBytes(path, changed)
              let said = scene.Fetch()

              Expect.equal
                  said[0]
                  ($"The file {path} is damaged: its SHA-256 is {sha256 changed}; SHA256SUMS has {sha256 (snd filesOfHundred[1])}. "
                   + "It was renamed to test.bin.damaged and will be fetched again.")
                  "said"

              isRight scene
              Expect.equal scene.Names [ "SHA256SUMS"; "test.bin"; "test.bin.damaged"; "train.bin" ] "files"
              Expect.equal (File.ReadAllBytes(path + ".damaged")) changed "the old one is kept"
          }

          test "Only the dataset's own files are verified, whatever else a list of checksums contains" {
              use scene = new Scene()
              scene.Fetch() |> ignore
              let others = [ "../../outside"; scene.File "absolute"; "notes.txt" ]

              for name in others do
                  File.WriteAllText(scene.File name, "of somebody else")
                  File.AppendAllText(scene.File "SHA256SUMS", $"""{sha256 "something"B}  {name}\n""")

              Expect.equal (scene.Fetch()) [ $"cifar100 is complete and verified, in {scene.Home}." ] "said"

              for name in others do
                  Expect.equal (File.ReadAllText(scene.File name)) "of somebody else" name
          }

          test "An archive with unexpected content is renamed and fetched again" {
              use scene = new Scene()
              scene.Put("cifar-100-binary.tar.gz", scene.Archive[..999])
              let known = scene.Dataset.Files[0]

              Expect.equal
                  (scene.Fetch()[0])
                  ($"""The file {scene.File known.Name} is damaged: it has 1000 bytes and SHA-256 {sha256 scene.Archive[..999]}; expected """
                   + $"{known.Bytes} bytes and {known.Sha256}. It was renamed to cifar-100-binary.tar.gz.damaged and will be fetched again.")
                  "said"

              isRight scene
          }

          test "Files without known checksums are read to verify them" {
              use scene = new Scene()
              scene.Put("train.bin", snd filesOfHundred[0])
              scene.Put("test.bin", "<html>"B)

              Expect.stringStarts (scene.Fetch()[0]) $"""The file {scene.File "test.bin"} is damaged: it has 6 bytes instead of 36888.""" "said"

              isRight scene
          }

          test "An interrupted download is resumed" {
              use scene = new Scene()
              scene.Put("cifar-100-binary.tar.gz.part", scene.Archive[..9999])
              Expect.isTrue scene.State.IsBegun "begun"
              Expect.equal scene.State.BytesOnDisk (Nullable 10_000L) "bytes"
              scene.Fetch() |> ignore
              isRight scene
              Expect.equal scene.Names unpacked "files"
          }

          test "Plain files are each verified, and only missing or changed ones are fetched" {
              let content = Map [ "/a.gz", "the first"B; "/b.gz", "the second"B; "/c.gz", "the third"B ]
              use server = new LocalServer(fun request stream -> Answer.ranged content[request.Path] request stream)
              use root = new TemporaryFolder()

              let files =
                  [ for entry in content do
                        let name = entry.Key.TrimStart '/'
                        DatasetFile(name, Uri(server.Address, name), entry.Value.LongLength, sha256 entry.Value) ]

              let folder = Path.Combine(root.Path, "data", "fashion-mnist")
              Directory.CreateDirectory folder |> ignore
              File.WriteAllBytes(Path.Combine(folder, "a.gz"), "the first"B)
              File.WriteAllBytes(Path.Combine(folder, "b.gz"), "tampered with"B)
              let dataset = small "fashion-mnist" 10 10 files
              DatasetStore.Fetch(dataset, Workspace root.Path, Downloader(DownloadSettings(), Listener()), CancellationToken.None)
              Expect.equal (server.Requests |> List.map _.Path) [ "/b.gz"; "/c.gz" ] "requests"
              Expect.equal (File.ReadAllBytes(Path.Combine(folder, "b.gz"))) "the second"B "the right content"
          }

          test "A dataset that cannot be fetched gives instructions for getting it" {
              use root = new TemporaryFolder()
              let workspace = Workspace root.Path

              let fetch name =
                  DatasetStore.Fetch(DatasetCatalog.Get name, workspace, Downloader(DownloadSettings(), Listener()), CancellationToken.None)

              for name, start in
                  [ "fashion-mnist-mini",
                    "The dataset fashion-mnist-mini is missing from data/fashion-mnist-mini, although it is part of the repository."
                    "imagenet", "There is no folder data/imagenet. imagenet cannot be downloaded without an account" ] do
                  Expect.throwsC (fun () -> fetch name) (fun error ->
                      Expect.equal (error.GetType()) typeof<MissingException> "kind"
                      Expect.stringStarts error.Message start "message")
          }

          test "A damaged dataset of the repository gives instructions for restoring it" {
              use root = new TemporaryFolder()
              let folder = Path.Combine(root.Path, "data", "fashion-mnist-mini")
              Directory.CreateDirectory folder |> ignore

              for file in Directory.GetFiles(Path.Combine(Sets.workspace.Data, "fashion-mnist-mini"), "*.gz") do
                  File.Copy(file, Path.Combine(folder, string (Path.GetFileName file)))

              let path = Path.Combine(folder, "t10k-labels-idx1-ubyte.gz")
              File.WriteAllText(path, "")

              Expect.throwsC
                  (fun () ->
                      let mini = DatasetCatalog.Get "fashion-mnist-mini"
                      DatasetStore.Fetch(mini, Workspace root.Path, Downloader(DownloadSettings(), Listener()), CancellationToken.None))
                  (fun error ->
                      Expect.equal
                          error.Message
                          $"The file {path} is damaged: it is shorter than its header. To restore it: git checkout -- data/fashion-mnist-mini"
                          "message")
          } ]
