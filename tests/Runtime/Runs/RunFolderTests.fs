module ChannelDistillation.Tests.Runtime.Runs.RunFolderTests

open System
open System.Collections.Generic
open System.IO
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training
open ChannelDistillation.Tests.Runtime.Core

let private record epoch =
    EpochRecord(
        Epoch = epoch,
        LearningRate = 0.1,
        Loss = 2.5,
        Losses = readOnlyDict [ "ce", 1.0 + 1.0 / 3.0 ],
        LossWeights = readOnlyDict [ "ce", 1.0; "cd", 0.0 ],
        TrainTop1Error = 50.0,
        TrainTop5Error = 5.0,
        Top1Error = 40.0,
        Top5Error = 4.0,
        ImagesPerSecond = 100.0,
        Seconds = 10.0
    )

let private epochs (records: IReadOnlyList<EpochRecord>) = [ for record in records -> record.Epoch ]

[<Tests>]
let tests =
    testList
        "run folders"
        [ test "A line of metrics.jsonl has the contract's names" {
              use folder = new TemporaryFolder()
              RunFolder(folder.Path).AppendMetrics(record 1)

              let expected =
                  """{"epoch":1,"learning_rate":0.1,"loss":2.5,"losses":{"ce":1.3333333333333333},"loss_weights":{"ce":1,"cd":0},"""
                  + """"train_top1_error":50,"train_top5_error":5,"top1_error":40,"top5_error":4,"images_per_second":100,"seconds":10}"""

              Expect.equal (File.ReadAllText(folder.File "metrics.jsonl")) (expected + "\n") "the line"
          }

          test "A result.json has the contract's names, and is read back" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              let result = RunResult(RunStatus.Diverged, EpochErrors(3, 40.0, 4.0), EpochErrors(2, 39.0, 4.5), "ce broke")
              run.WriteResult result

              let expected =
                  "{\n  \"status\": \"diverged\",\n  \"last\": {\n    \"epoch\": 3,\n    \"top1_error\": 40,\n    \"top5_error\": 4\n  },\n"
                  + "  \"best\": {\n    \"epoch\": 2,\n    \"top1_error\": 39,\n    \"top5_error\": 4.5\n  },\n  \"message\": \"ce broke\"\n}\n"

              Expect.equal (File.ReadAllText(folder.File "result.json")) expected "the file"
              Expect.equal (run.ReadResult()) result "read back"
          }

          test "A result.json with a changed digit counts as missing" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              let spec = TinyTraining.spec null (TinyTraining.train 1 0.05) [ TinyTraining.loss "ce" 1.0 TinyTraining.always ]
              run.WriteStart("student", spec, "cpu", struct (1, 0))
              let epoch = EpochErrors(1, 50.0, 12.5)
              run.WriteResult(RunResult(RunStatus.Completed, epoch, epoch))
              Expect.isNotNull (run.ReadResult()) "as it was written"
              let file = folder.File "result.json"
              File.WriteAllText(file, File.ReadAllText(file).Replace("50", "10"))
              Expect.isNull (run.ReadResult()) "changed"
              Expect.equal (List.ofSeq (run.Damaged())) [ file ] "and it is said"
              File.Delete(folder.File "run.json")
              Expect.isNotNull (run.ReadResult()) "without run.json there is nothing to compare with"
          }

          test "Sessions that never ended and began at the run's current position count as cut off" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              let spec = TinyTraining.spec null (TinyTraining.train 3 0.05) [ TinyTraining.loss "ce" 1.0 TinyTraining.always ]
              let start (epoch: int) (step: int) = run.WriteStart("student", spec, "cpu", struct (epoch, step))

              let saved (epoch: int) =
                  SafetensorsFile.Write(run.State, Dictionary<string, TorchSharp.torch.Tensor>(), readOnlyDict [ "epoch", string epoch; "step", "0" ])

              let cutOff () = RunProgress.CutOffSessions run
              Expect.equal (cutOff ()) 0 "never started"
              start 1 0
              Expect.equal (cutOff ()) 1 "started, and not ended"
              start 1 0
              Expect.equal (cutOff ()) 2 "again"
              saved 2
              Expect.equal (RunProgress.Of run) (struct (2, 0)) "it has a checkpoint"
              Expect.equal (cutOff ()) 0 "the last one was not in vain"
              start 2 0
              run.WriteResult(RunResult(RunStatus.Interrupted, null, null))
              Expect.equal (cutOff ()) 0 "it ended"
              start 2 0
              start 2 0
              Expect.equal (cutOff ()) 2 "since then"
              File.WriteAllText(run.State, "{")
              Expect.equal (RunProgress.Of run) (struct (1, 0)) "a checkpoint that cannot be read is none"
          }

          test "A crash is recorded as a failure with the finished epochs, and does not end a session" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              let spec = TinyTraining.spec null (TinyTraining.train 3 0.05) [ TinyTraining.loss "ce" 1.0 TinyTraining.always ]
              run.WriteStart("student", spec, "cpu", struct (1, 0))
              run.AppendMetrics(record 1)
              run.WriteCrash "It was ended."
              let errors = EpochErrors(1, 40.0, 4.0)
              Expect.equal (run.ReadResult()) (RunResult(RunStatus.Failed, errors, errors, "It was ended.")) "the result"
              Expect.isNull (run.ReadRun().["sessions"].[0].["ended"]) "the session"
              Expect.isNotNull (run.ReadRun().["ended"]) "the run"
              let never = RunFolder(folder.File "never")
              never.WriteCrash "It was ended."
              Expect.equal (never.ReadResult()) (RunResult(RunStatus.Failed, null, null, "It was ended.")) "of a run that never started"
          }

          test "The run.json keeps its sessions, except that a session does not count if a later one began at or before its start" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              let spec = TinyTraining.spec null (TinyTraining.train 3 0.05) [ TinyTraining.loss "ce" 1.0 TinyTraining.always ]
              let start (epoch: int) (step: int) = run.WriteStart("student", spec, "cpu", struct (epoch, step))
              let result = RunResult(RunStatus.Interrupted, null, null)
              start 1 0
              start 1 0
              run.WriteResult(result, SessionTime(12.3456, 0.5))
              start 2 3
              start 2 1
              let written = run.ReadRun()
              let places = [ for session in Sessions.Counting written -> int (session["epoch"]), int (session["step"]) ]
              Expect.equal places [ 1, 0; 2, 1 ] "those whose work the run is"
              let all = written["sessions"].AsArray()
              Expect.hasLength all 4 "all are kept"
              Expect.isNull (all[0]["ended"]) "killed"
              Expect.isNotNull (all[1]["ended"]) "ended"
              Expect.equal (float (all[1]["seconds"]), float (all[1]["saving_seconds"])) (12.346, 0.5) "what it took"
              Expect.isNull written["ended"] "the run goes on"
          }

          test "Temporary files of a killed process are removed, and those of a running one are kept" {
              use folder = new TemporaryFolder()
              let mine = AtomicFile.Beside(folder.File "results.md")
              use ended = new ChildProcess("true", [])
              ended.End() |> ignore
              let abandoned = mine.Replace($"-{System.Environment.ProcessId}-", $"-{ended.Id}-")

              for file in [ mine; abandoned; folder.File "other.tmp" ] do
                  File.WriteAllText(file, "")

              AtomicFile.RemoveAbandoned folder.Path
              let left = Directory.GetFiles folder.Path |> Array.sort
              Expect.equal left (Array.sort [| mine; folder.File "other.tmp" |]) "left"
          }

          test "Temporary files of a process in another container of the machine are kept, because its process IDs are separate" {
              use folder = new TemporaryFolder()
              let mine = AtomicFile.Beside(folder.File "results.md")
              use ended = new ChildProcess("true", [])
              ended.End() |> ignore

              let foreign =
                  mine.Replace($"-{System.Environment.ProcessId}-", $"-{ended.Id}-").Replace($"-{ProcessNamespace.Short}-", "-0123abcd-")

              Expect.notEqual (foreign.IndexOf "-0123abcd-") -1 "the name tells what its number counts in"
              File.WriteAllText(foreign, "")
              AtomicFile.RemoveAbandoned folder.Path
              Expect.isTrue (File.Exists foreign) "left"
          }

          test "A pipe in place of a record counts as no record, and does not block" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path

              let read () =
                  Expect.isNull (run.ReadRun()) "run.json"
                  Expect.isNull (run.ReadResult()) "result.json"
                  Expect.isEmpty (run.ReadMetrics()) "metrics.jsonl"
                  Expect.isNull (run.ReadLastEpoch()) "the last line of it"
                  Expect.isEmpty (run.TruncateMetrics 1) "its first line"

              for name in [ "run.json"; "result.json"; "metrics.jsonl" ] do
                  SpecialFiles.pipe (folder.File name)

              // On a separate thread, because a read that waits for a writer cannot be cancelled.
              Expect.isTrue (Task.Run(read).Wait(TimeSpan.FromMinutes 1.0)) "no read waits"
          }

          test "A line truncated by a crash does not count as an epoch, and does not affect the next one" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path
              run.AppendMetrics(record 1)
              File.AppendAllText(folder.File "metrics.jsonl", """{"epoch":2,"learning_""")
              Expect.equal (epochs (run.ReadMetrics())) [ 1 ] "read"
              Expect.equal (epochs (run.TruncateMetrics 5)) [ 1 ] "kept"
              run.AppendMetrics(record 2)
              Expect.equal (epochs (run.ReadMetrics())) [ 1; 2 ] "after the next epoch"
          }

          test "Epochs after the checkpoint are removed" {
              use folder = new TemporaryFolder()
              let run = RunFolder folder.Path

              for epoch in 1..3 do
                  run.AppendMetrics(record epoch)

              Expect.equal (epochs (run.TruncateMetrics 2)) [ 1; 2 ] "kept"
              Expect.equal (epochs (run.ReadMetrics())) [ 1; 2 ] "on the disk"
          } ]
