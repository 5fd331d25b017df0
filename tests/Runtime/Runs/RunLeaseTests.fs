module ChannelDistillation.Tests.Runtime.Runs.RunLeaseTests

open System
open System.Diagnostics
open System.Collections.Concurrent
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Tests

let private beat = TimeSpan.FromSeconds 10.0
let private patience = TimeSpan.FromMinutes 2.0

/// Time that advances on request, so that load on the machine does not matter.
type private Clock() =
    inherit TimeProvider()
    let timers = ConcurrentDictionary<obj, TimerCallback>()
    let mutable now = 0L
    override _.TimestampFrequency = 1L
    override _.GetTimestamp() = now

    /// Advances the time; every timer fires once.
    member _.Advance(seconds: int64) =
        now <- now + seconds

        for timer in timers.Values do
            timer.Invoke null

    override _.CreateTimer(callback, _, _, _) =
        let key = obj ()
        timers[key] <- callback

        { new ITimer with
            member _.Change(_, _) = true
            member _.Dispose() = timers.TryRemove key |> ignore

            member _.DisposeAsync() =
                timers.TryRemove key |> ignore
                ValueTask() }

let private owners () = RunLeases()
let private ownersBy (clock: Clock) = RunLeases(beat, patience, clock)

let private take (owners: RunLeases) folder =
    match owners.TryTake folder with
    | null, other -> Error(string other)
    | own, _ -> Ok own

let private expectTaken (owners: RunLeases) folder what =
    match take owners folder with
    | Ok own -> own
    | Error other -> failtest $"{what}: {other} has it"

let private file (folder: string) = Path.Combine(folder, ".owner")

/// Simulates another machine that has taken the folder.
let private ofAnotherMachine folder = File.WriteAllText(file folder, """{"id":"abc","host":"elsewhere","space":"","process":17,"started":1}""")

[<Tests>]
let tests =
    testList
        "ownership of a folder"
        [ test "A folder belongs to one process until it is released" {
              use folder = new TemporaryFolder()
              let own = expectTaken (owners ()) folder.Path "free"
              let me = $"process {Environment.ProcessId} on {Environment.MachineName}"
              Expect.equal (take (owners ()) folder.Path |> Result.map ignore) (Error me) "taken"
              own.Dispose()
              Expect.isFalse (File.Exists(file folder.Path)) "nothing is left"
              (expectTaken (owners ()) folder.Path "given back").Dispose()
          }

          test "A folder of a dead process of this machine is taken over at once" {
              use folder = new TemporaryFolder()
              (expectTaken (owners ()) folder.Path "free").Dispose()
              use own = expectTaken (owners ()) folder.Path "free"
              let written = File.ReadAllText(file folder.Path)
              // The same entry with a process that has ended.
              use ended = new ChildProcess("true", [])
              ended.End() |> ignore
              own.Dispose()
              File.WriteAllText(file folder.Path, written.Replace($"\"process\":{Environment.ProcessId}", $"\"process\":{ended.Id}"))
              (expectTaken (owners ()) folder.Path "dead").Dispose()
          }

          test "A folder of another machine is respected while its file is touched, and taken over when it no longer is" {
              use folder = new TemporaryFolder()
              ofAnotherMachine folder.Path
              let clock = Clock()
              let owners = ownersBy clock
              let expectAlive () = Expect.equal (take owners folder.Path |> Result.map ignore) (Error "process 17 on elsewhere") "alive"

              for minute in 1..5 do
                  File.SetLastWriteTimeUtc(file folder.Path, DateTime.UnixEpoch.AddMinutes minute)
                  expectAlive ()
                  clock.Advance 60L

              clock.Advance 60L
              expectAlive ()
              clock.Advance 1L
              (expectTaken owners folder.Path "untouched for more than two minutes").Dispose()
          }

          test "A process of another container or machine is not judged by this machine's process IDs" {
              use folder = new TemporaryFolder()
              let clock = Clock()
              use own = expectTaken (ownersBy clock) folder.Path "free"
              let written = File.ReadAllText(file folder.Path)
              let number = $"\"process\":{Environment.ProcessId}"
              // No process has this ID.
              let dead = written.Replace(number, "\"process\":2147483646")
              let owner = System.Text.Json.Nodes.JsonNode.Parse written
              let space = owner["space"].ToJsonString()
              Expect.isGreaterThan space.Length 20 $"it names a machine, and what numbers count in there: {space}"

              for other in [ "\"\""; space.Replace(":[", ":[9"); "\"0" + space.Substring 2 ] do
                  File.WriteAllText(file folder.Path, dead.Replace(space, other))
                  Expect.isError (take (ownersBy clock) folder.Path) $"of {other}"

              File.WriteAllText(file folder.Path, dead)
              let taken = take (ownersBy clock) folder.Path
              Expect.isOk taken "with our own numbers it is dead"
              taken |> Result.iter _.Dispose()
          }

          test "An owner keeps its lease alive" {
              use folder = new TemporaryFolder()
              let clock = Clock()
              use own = expectTaken (ownersBy clock) folder.Path "free"
              // As seen from another machine.
              let written = File.ReadAllText(file folder.Path)
              let elsewhere = written.Replace($"\"host\":\"{Environment.MachineName}\"", "\"host\":\"elsewhere\"")
              Expect.notEqual elsewhere written "the host was changed"
              File.WriteAllText(file folder.Path, elsewhere)
              let others = ownersBy clock

              for _ in 1..30 do
                  Expect.isError (take others folder.Path) "alive"
                  File.SetLastWriteTimeUtc(file folder.Path, DateTime.UnixEpoch)
                  clock.Advance 10L
                  Expect.isGreaterThan (File.GetLastWriteTimeUtc(file folder.Path)) DateTime.UnixEpoch "touched"

              Expect.isTrue own.IsHeld "held"
          }

          test "An owner that was suspended too long detects that it lost the folder" {
              use folder = new TemporaryFolder()
              let clock = Clock()
              use own = expectTaken (ownersBy clock) folder.Path "free"
              Expect.isTrue own.IsHeld "held"
              ofAnotherMachine folder.Path
              clock.Advance 10L
              Expect.isFalse own.IsHeld "lost"
              own.Dispose()
              Expect.isTrue (File.Exists(file folder.Path)) "the other's file is left alone"
          }

          test "A folder is taken over even if another process died while taking it over, on any machine" {
              for claim in [ ""; """{"id":"def","host":"elsewhere","space":"","process":18,"started":1}""" ] do
                  use folder = new TemporaryFolder()
                  ofAnotherMachine folder.Path
                  File.WriteAllText(file folder.Path + ".abc", claim)
                  let clock = Clock()
                  let owners = ownersBy clock

                  for what in [ "the owner seems alive"; "the claim seems alive"; "the claim is removed" ] do
                      Expect.isError (take owners folder.Path) what
                      clock.Advance 121L

                  (expectTaken owners folder.Path "nobody is left").Dispose()
                  Expect.isEmpty (Directory.GetFiles folder.Path) "nothing is left behind"
          }

          test "A folder of a machine with the same name is not judged by this machine's processes" {
              use folder = new TemporaryFolder()
              let own = expectTaken (owners ()) folder.Path "free"
              let written = File.ReadAllText(file folder.Path)
              own.Dispose()
              let boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()

              let elsewhere =
                  written.Replace(boot, Guid.Empty.ToString()).Replace($"\"process\":{Environment.ProcessId}", "\"process\":4194303")

              Expect.stringContains elsewhere (Guid.Empty.ToString()) "another start of a machine"
              File.WriteAllText(file folder.Path, elsewhere)
              Expect.isError (take (owners ()) folder.Path) "it may live"
          }

          test "The owner file names its owner from the start, and leaves no other files" {
              use folder = new TemporaryFolder()

              let watch =
                  Task.Run(fun () ->
                      let clock = Stopwatch.StartNew()
                      let mutable empty = 0

                      while clock.ElapsedMilliseconds < 300L do
                          try
                              if FileInfo(file folder.Path).Length = 0L then
                                  empty <- empty + 1
                          with :? FileNotFoundException ->
                              ()

                      empty)

              while not watch.IsCompleted do
                  (expectTaken (owners ()) folder.Path "free").Dispose()

              Expect.equal watch.Result 0 "times that it was there without a name"
              Expect.isEmpty (Directory.GetFiles folder.Path) "files"
          }

          test "A folder with a file or folder in the way cannot be taken, and the error says so" {
              use folder = new TemporaryFolder()
              let run = folder.File "run"
              File.WriteAllText(run, "")

              Expect.throwsC (fun () -> owners().TryTake run |> ignore) (fun error ->
                  Expect.equal error.Message $"{run} must be a folder but is a file; remove it." "a file")

              Directory.CreateDirectory(file folder.Path) |> ignore

              Expect.throwsC (fun () -> owners().TryTake folder.Path |> ignore) (fun error ->
                  Expect.equal error.Message $"{file folder.Path} must be a file but is a folder; remove it." "a folder")
          }

          test "A folder goes to exactly one of many simultaneous processes, also when taken over" {
              for start in [ ignore; ofAnotherMachine ] do
                  use folder = new TemporaryFolder()
                  start folder.Path
                  let clock = Clock()
                  // Each has seen the file; then nothing changes for a long time.
                  use gate =
                      new Barrier(
                          8,
                          (fun gate ->
                              if gate.CurrentPhaseNumber = 0L then
                                  clock.Advance 121L)
                      )

                  let holders = ref 0
                  let most = ref 0

                  let work () =
                      let owners = ownersBy clock
                      take owners folder.Path |> Result.iter _.Dispose()
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
