module ChannelDistillation.Tests.Runtime.Core.ContentHashTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Tests

let private abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[<Tests>]
let tests =
    testList
        "content hash"
        [ test "A content hash is SHA-256, and cached until the file changes" {
              use folder = new TemporaryFolder()
              let hashes = ContentHash(folder.File "hashes")
              let path = folder.File "a"
              File.WriteAllText(path, "abc")
              let written = File.GetLastWriteTimeUtc path
              Expect.equal (hashes.Of path) abc "FIPS 180-2, appendix B.1"
              File.WriteAllText(path, "abd")
              File.SetLastWriteTimeUtc(path, written)
              Expect.equal (hashes.Of path) abc "a file of the same size and time is not read again"
              File.SetLastWriteTimeUtc(path, written.AddSeconds 1.0)
              Expect.notEqual (hashes.Of path) abc "a file that was written since is"
          }

          test "A content hash is computed without a usable cache" {
              use folder = new TemporaryFolder()
              let path = folder.File "a"
              File.WriteAllText(path, "abc")
              Expect.equal (ContentHash(path).Of path) abc "nowhere to keep it"
              let hashes = ContentHash(folder.File "hashes")
              hashes.Of path |> ignore

              for kept in Directory.GetFiles(folder.File "hashes") do
                  File.WriteAllText(kept, "{")

              Expect.equal (hashes.Of path) abc "what is kept is damaged"
          } ]
