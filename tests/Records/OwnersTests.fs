module ChannelDistillation.Tests.Records.OwnersTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Records
open ChannelDistillation.Tests

let private owners () = Owners(TimeSpan.FromMilliseconds 50.0, TimeSpan.FromMilliseconds 400.0)

let private take (owners: Owners) folder =
    match owners.TryTake folder with
    | null, other -> Error(string other)
    | own, _ -> Ok own

let private expectTaken (owners: Owners) folder what =
    match take owners folder with
    | Ok own -> own
    | Error other -> failtest $"{what}: {other} has it"

let private file (folder: string) = Path.Combine(folder, ".owner")

/// As if another machine had taken the folder.
let private ofAnotherMachine folder = File.WriteAllText(file folder, """{"id":"abc","host":"elsewhere","space":"","process":17,"started":1}""")

[<Tests>]
let tests =
    testList
        "ownership of a folder"
        [ test "is one process's until it gives the folder back" {
              use folder = new TemporaryFolder()
              let own = expectTaken (owners ()) folder.Path "free"
              let me = $"process {Environment.ProcessId} on {Environment.MachineName}"
              Expect.equal (take (owners ()) folder.Path |> Result.map ignore) (Error me) "taken"
              own.Dispose()
              Expect.isFalse (File.Exists(file folder.Path)) "nothing is left"
              (expectTaken (owners ()) folder.Path "given back").Dispose()
          }

          test "is taken over at once from a process of this machine that is dead" {
              use folder = new TemporaryFolder()
              (expectTaken (owners ()) folder.Path "free").Dispose()
              use own = expectTaken (owners ()) folder.Path "free"
              let written = File.ReadAllText(file folder.Path)
              // The same entry with a process that has ended.
              use ended = Process.Start("sleep", "0")
              ended.WaitForExit()
              own.Dispose()
              File.WriteAllText(file folder.Path, written.Replace($"\"process\":{Environment.ProcessId}", $"\"process\":{ended.Id}"))
              (expectTaken (owners ()) folder.Path "dead").Dispose()
          }

          test "of another machine is respected while its file is touched, and taken over when it no longer is" {
              use folder = new TemporaryFolder()
              ofAnotherMachine folder.Path
              let owners = owners ()
              let clock = Stopwatch.StartNew()

              while clock.ElapsedMilliseconds < 800L do
                  File.SetLastWriteTimeUtc(file folder.Path, DateTime.UtcNow)
                  Expect.equal (take owners folder.Path |> Result.map ignore) (Error "process 17 on elsewhere") "alive"
                  Thread.Sleep 50

              let mutable taken = take owners folder.Path

              while Result.isError taken && clock.ElapsedMilliseconds < 10_000L do
                  Thread.Sleep 50
                  taken <- take owners folder.Path

              match taken with
              | Ok own -> own.Dispose()
              | Error other -> failtest $"{other} still has it"
          }

          test "is known to be lost by who slept too long" {
              use folder = new TemporaryFolder()
              use own = expectTaken (owners ()) folder.Path "free"
              Expect.isTrue own.IsHeld "held"
              ofAnotherMachine folder.Path
              let clock = Stopwatch.StartNew()

              while own.IsHeld && clock.ElapsedMilliseconds < 10_000L do
                  Thread.Sleep 20

              Expect.isFalse own.IsHeld "lost"
              own.Dispose()
              Expect.isTrue (File.Exists(file folder.Path)) "the other's file is left alone"
          }

          test "goes to one of many who come at the same time, also where they take over" {
              for start in [ ignore; ofAnotherMachine ] do
                  use folder = new TemporaryFolder()
                  start folder.Path
                  use gate = new Barrier(8)
                  let holders = ref 0
                  let most = ref 0

                  let work () =
                      let owners = owners ()
                      take owners folder.Path |> Result.iter _.Dispose()
                      Thread.Sleep 500
                      gate.SignalAndWait()

                      for _ in 1..20 do
                          match take owners folder.Path with
                          | Error _ -> Thread.Sleep 1
                          | Ok own ->
                              let now = Interlocked.Increment holders
                              most.Value <- max most.Value now
                              Thread.Sleep 5
                              Interlocked.Decrement holders |> ignore
                              own.Dispose()

                  [| for _ in 1..8 -> Task.Factory.StartNew(work, TaskCreationOptions.LongRunning) |] |> Task.WaitAll
                  Expect.equal most.Value 1 "at a time"
          } ]
