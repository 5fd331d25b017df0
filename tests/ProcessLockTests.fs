module ChannelDistillation.Tests.ProcessLockTests

open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Core

let private opened (path: string) = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)

[<Tests>]
let tests =
    testList
        "process lock"
        [ test "A lock whose file was recreated by another process is not held" {
              use folder = new TemporaryFolder()
              let path = folder.File "x.lock"
              use first = opened path
              Expect.isTrue (ProcessLock.IsStillAt(path, first)) "as it was opened"
              File.Delete path
              Expect.isFalse (ProcessLock.IsStillAt(path, first)) "removed"
              use second = opened path
              Expect.isFalse (ProcessLock.IsStillAt(path, first)) "another file has the name"
              Expect.isTrue (ProcessLock.IsStillAt(path, second)) "that one has it"
          }

          test "A lock taken through a link to its folder is the same lock" {
              use folder = new TemporaryFolder()
              let real = Directory.CreateDirectory(folder.File "real").FullName
              Directory.CreateSymbolicLink(folder.File "link", real) |> ignore
              use held = ProcessLock.Take(folder.File "link/x.lock", ignore, CancellationToken.None)
              use stop = new CancellationTokenSource()

              Expect.throwsT<System.OperationCanceledException>
                  (fun () -> ProcessLock.Take(Path.Combine(real, "x.lock"), (fun () -> stop.Cancel()), stop.Token) |> ignore)
                  "held"
          } ]
