/// Every write of a run may fail: saved files stay intact, and the run resumes when the cause is removed.
module ChannelDistillation.Tests.Runtime.Training.UnwritableTests

open System.IO
open System.Threading
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private variant = "student", spec null (train 2 0.05) [ loss "ce" 1.0 always ]
let private steps = 10

let private whole =
    lazy
        (use folder = new TemporaryFolder()
         let run = lane folder "whole" variant
         trainLanes folder [ run ] |> ignore
         outcome run)

/// Trains; returns the message of the error, if there is one.
let private attempt (folder: TemporaryFolder) (watcher: Watcher) (run: LaneSpec) =
    try
        CohortTrainer.Train([| run |], options folder, watcher.On, CancellationToken.None)
        None
    with :? MissingException as error ->
        Some(error.Message.Replace(run.Folder, "FOLDER"))

let private expectNotSaved (watcher: Watcher) what message =
    let message = Expect.wantSome message $"{what}: it says so"
    Expect.stringStarts message "Nothing can be saved: " what
    Expect.stringEnds message " Earlier checkpoints are intact. Free disk space or make the folder writable, and repeat the command." what
    Expect.equal watcher.Ended["student"].Status RunStatus.Interrupted $"{what}: how it ended"
    message

/// Trains after the obstacle was removed.
let private expectGoesOn folder run what =
    let watcher = Watcher()
    Expect.isNone (attempt folder watcher run) $"{what}: it goes on"
    Expect.equal (outcome run) whole.Value $"{what}: the same numbers"
    watcher.Steps

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a run that cannot be saved"
        [ test "A run stops if the disk is full, whatever is being written, and resumes when there is space" {
              use folder = new TemporaryFolder()
              use disk = new TemporaryDisk(8)
              // From a disk without a free block to one with space for all but the last checkpoint, of 300 to 600 kB each.
              for room in [ 0; 4; 8; 12; 16; 300; 620; 700; 1000; 1300; 1500; 1700 ] do
                  let run = LaneSpec("student", snd variant, disk.File $"run-{room}")
                  disk.Fill(int64 room * 1024L)
                  let mutable saved = 0
                  let watcher = Watcher(onEpoch = (fun _ -> saved <- saved + 1))
                  let message = attempt folder watcher run |> expectNotSaved watcher $"{room} kB"
                  Expect.stringContains message "No space left on device" $"{room} kB"
                  disk.MakeRoom()
                  let again = expectGoesOn folder run $"{room} kB"
                  Expect.isLessThanOrEqual again (steps - 5 * saved) $"{room} kB: epochs that were saved are not trained again"
                  Directory.Delete(run.Folder, true)
          }

          test "A run stops if the disk becomes read-only, and resumes when it is writable again" {
              use folder = new TemporaryFolder()
              use disk = new TemporaryDisk(8)
              let run = LaneSpec("student", snd variant, disk.File "run")

              let watcher =
                  Watcher(fun step ->
                      if step = 7 then
                          disk.MakeReadOnly())

              let message = attempt folder watcher run |> expectNotSaved watcher "read-only"
              Expect.stringContains message "Read-only file system" "why"
              disk.MakeWritable()
              Expect.equal (expectGoesOn folder run "read-only") 5 "steps of the epoch that was not saved"
          }

          test "A run stops if a folder is in place of one of its files, and resumes when it is removed" {
              let places =
                  [ "run.json"
                    "metrics.jsonl"
                    "result.json"
                    "checkpoints/latest.state.safetensors"
                    "checkpoints/previous.state.safetensors"
                    "checkpoints/latest.safetensors"
                    "checkpoints/best.safetensors" ]

              for place in places do
                  use folder = new TemporaryFolder()
                  let run = lane folder "runs" variant
                  trainUntil 7 folder [ run ] |> ignore
                  let file = Path.Combine(run.Folder, place)
                  let aside = folder.File "aside"
                  File.Move(file, aside)
                  Directory.CreateDirectory(Path.Combine(file, "inside")) |> ignore
                  let watcher = Watcher()
                  let message = attempt folder watcher run |> expectNotSaved watcher place
                  Expect.stringContains message $"FOLDER/{place}" place
                  Directory.Delete(file, true)
                  File.Move(aside, file)
                  Expect.isLessThanOrEqual (expectGoesOn folder run place) 5 $"{place}: what was saved before is there"
          }

          test "A run stops if a file is in place of its checkpoints folder, and resumes when it is removed" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" variant
              Directory.CreateDirectory run.Folder |> ignore
              let file = Path.Combine(run.Folder, "checkpoints")
              File.WriteAllText(file, "")
              let watcher = Watcher()
              attempt folder watcher run |> expectNotSaved watcher "checkpoints" |> ignore
              File.Delete file
              Expect.equal (expectGoesOn folder run "checkpoints") steps "nothing could be saved"
          } ]
