module ChannelDistillation.Tests.Runtime.Core.InputFileTests

open System
open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Core

let private fails (path: string) (act: unit -> unit) (message: string) =
    Expect.throwsC act (fun error ->
        Expect.isTrue (error :? IOException) $"{error}"
        Expect.equal (error.Message.Replace(path, "FILE")) message "message")

[<Tests>]
let tests =
    testList
        "an input file"
        [ test "A pipe or device is refused before it is opened" {
              use folder = new TemporaryFolder()
              let pipe = folder.File "pipe"
              SpecialFiles.pipe pipe

              for path, kind in [ pipe, "a pipe"; "/dev/zero", "a device" ] do
                  Expect.equal (InputFile.ReasonNotReadable path) $"it is {kind}, not a file" "in words"
                  fails path (fun () -> (InputFile.Open path).Dispose()) $"'FILE' is {kind}, not a file."
                  fails path (fun () -> InputFile.ReadAll(path, 10) |> ignore) $"'FILE' is {kind}, not a file."
                  fails path (fun () -> InputFile.Digest path |> ignore) $"'FILE' is {kind}, not a file."
          }

          test "A file is read up to the limit" {
              use folder = new TemporaryFolder()
              let path = folder.File "a"
              File.WriteAllText(path, "abc")
              Expect.equal (InputFile.ReadAll(path, 3)) "abc"B "all of it"
              fails path (fun () -> InputFile.ReadAll(path, 2) |> ignore) "'FILE' has 3 bytes; the limit is 2."
              let struct (bytes, sha256) = InputFile.Digest path
              Expect.equal (bytes, sha256) (3L, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") "FIPS 180-2, appendix B.1"
          }

          test "The reason why a file cannot be read is a clause" {
              use folder = new TemporaryFolder()
              let path = folder.File "a"
              let reason () = InputFile.Reason(path, IOException "The disk fails.")
              Expect.equal (reason ()) "it does not exist" "nothing"
              File.WriteAllText(path, "")
              Expect.equal (reason ()) "The disk fails" "a file"
              Expect.equal (InputFile.Reason(path, UnauthorizedAccessException())) "permission denied" "of somebody else"
              Expect.equal (InputFile.Reason(folder.Path, IOException())) "it is a folder" "a folder"
              let link = folder.File "link"
              File.CreateSymbolicLink(link, "nowhere") |> ignore
              Expect.equal (InputFile.Reason(link, IOException())) "it is a link to nowhere, which does not exist" "a link"
          }

          test "The real path of a file is found through links" {
              use folder = new TemporaryFolder()
              let real = UnixFiles.RealPath folder.Path
              let inner = Directory.CreateDirectory(folder.File "a/b").FullName
              Directory.CreateSymbolicLink(folder.File "link", folder.File "a") |> ignore
              Directory.CreateSymbolicLink(Path.Combine(inner, "up"), "..") |> ignore
              Expect.equal (UnixFiles.RealPath(folder.File "link/b/up/b")) (Path.Combine(real, "a/b")) "path"
              fails folder.Path (fun () -> UnixFiles.RealPath(folder.File "nothere") |> ignore) "FILE/nothere cannot be resolved"
          } ]
