/// A sweep that cannot write reports it, and the same command continues when the cause is gone.
module ChannelDistillation.Tests.Lab.Sweep.UnwritableTests

open System
open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs
open ChannelDistillation.Training

let private states (outcome: Outcome) = [ for job in outcome.Jobs -> job.Run.Variant, string job.State ]
let private allDone = [ "student", "done"; "kd", "done" ]

/// Blocks the path of a file.
let private occupy (path: string) = Directory.CreateDirectory(Path.Combine(path, "inside")) |> ignore

let private within (test: TemporaryFolder -> Workspace -> Plan -> unit) =
    use folder = new TemporaryFolder()
    test folder (TinySweep.workspaceIn folder) (TinySweep.plan folder "small.yaml" TinySweep.studentAndKd)

let private folderOf out (run: PlannedRun) = Path.Combine(out, "small", RunFolder.NameOf(run.Name, run.Spec))

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a sweep that cannot write"
        [ test "A sweep that cannot write its tables reports it, and the next sweep writes them" {
              within (fun folder workspace plan ->
                  let options = TinySweep.optionsIn workspace (folder.File "runs")
                  Directory.CreateDirectory(folder.File "runs/small") |> ignore

                  for name in [ "plan.json"; "results.md"; "results.csv"; "results.json" ] do
                      let path = folder.File $"runs/small/{name}"
                      File.Delete path
                      occupy path
                      let outcome = TinySweep.sweep options plan
                      Expect.equal (states outcome) allDone $"{name}: the runs"
                      let message = Expect.wantSome (List.tryExactlyOne outcome.Missing) $"{name}: one message"
                      let where = folder.File "runs/small"
                      Expect.stringStarts message $"The tables in {where} are out of date, because they cannot be written: " name
                      Expect.stringEnds message " To update them, repeat the command." name
                      Expect.stringContains message path name
                      Directory.Delete(path, true)
                      let again = TinySweep.sweep options plan
                      Expect.isEmpty again.Missing name
                      Expect.hasLength again.Files 6 name)
          }

          test "A sweep that cannot write a run's folder trains the other runs, and that run later" {
              within (fun folder workspace plan ->
                  let options = TinySweep.optionsIn workspace (folder.File "runs")
                  let student = folderOf options.Out plan.Runs.Head

                  let cases =
                      [ "a file", (fun () -> File.WriteAllText(student, "")), (fun () -> File.Delete student)
                        "its owner", (fun () -> occupy (Path.Combine(student, ".owner"))), (fun () -> Directory.Delete(student, true)) ]

                  for name, block, unblock in cases do
                      Directory.CreateDirectory(folder.File "runs/small") |> ignore
                      block ()
                      let outcome = TinySweep.sweep options plan
                      Expect.equal (List.last (states outcome)) ("kd", "done") $"{name}: the other run"
                      Expect.notEqual (List.head (states outcome)) ("student", "done") $"{name}: this one"
                      let message = Expect.wantSome (List.tryExactlyOne outcome.Missing) $"{name}: one message"
                      Expect.stringStarts message $"Cannot write to {student}: " name
                      Expect.stringEnds message " Make the folder writable, or choose another one with --out." name
                      unblock ()
                      Expect.equal (states (TinySweep.sweep options plan)) allDone name
                      Directory.Delete(options.Out, true))
          }

          test "A sweep that cannot write its teacher trains the runs without a teacher, and the others later" {
              within (fun folder workspace plan ->
                  let options = TinySweep.optionsIn workspace (folder.File "runs")
                  let teacher = (Teachers.ofPlan plan).Head
                  let checkpoint = TeacherStore(workspace).CheckpointOf(teacher.Spec, teacher.Dataset)

                  for path in [ workspace.Pretrain; Path.GetDirectoryName checkpoint ] do
                      Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
                      File.WriteAllText(path, "")
                      let outcome = TinySweep.sweep options plan
                      Expect.equal (states outcome) [ "student", "done"; "kd", "new" ] path
                      let message = Expect.wantSome (List.tryExactlyOne outcome.Missing) $"{path}: one message"
                      Expect.stringContains message path "what"
                      File.Delete path
                      Expect.equal (states (TinySweep.sweep options plan)) allDone path
                      Directory.Delete(options.Out, true)
                      Directory.Delete(workspace.Pretrain, true))
          }

          test "A sweep on a full disk resumes when there is space, with identical results" {
              within (fun folder workspace plan ->
                  use disk = new TemporaryDisk(8)
                  let clean = folder.File "clean"
                  TinySweep.sweep (TinySweep.optionsIn workspace clean) plan |> ignore
                  let options = TinySweep.optionsIn workspace (disk.File "runs")

                  for room in [ 0L; 40_000L; 500_000L; 1_400_000L ] do
                      disk.Fill room

                      let message =
                          try
                              let outcome = TinySweep.sweep options plan
                              Expect.notEqual (states outcome) allDone $"{room}: not everything"
                              String.Join("\n", outcome.Missing)
                          with :? MissingException as error ->
                              error.Message

                      Expect.stringContains message "No space left on device" $"{room}"

                      for job in Job.ofPlan (Path.Combine(options.Out, "small")) plan do
                          Expect.isFalse job.State.IsGaveUp $"{room}: no run failed"

                      disk.MakeRoom()

                  Expect.equal (states (TinySweep.sweep options plan)) allDone "in the end"

                  for run in plan.Runs do
                      Expect.equal (Outcome.ofFolder (folderOf options.Out run)) (Outcome.ofFolder (folderOf clean run)) run.Name)
          }

          test "A sweep that cannot write at all is refused before anything starts" {
              within (fun folder workspace plan ->
                  use disk = new TemporaryDisk(1)
                  disk.MakeReadOnly()
                  let sweep out () = TinySweep.sweep (TinySweep.optionsIn workspace out) plan |> ignore

                  Expect.throwsC (sweep (disk.File "runs")) (fun error ->
                      match error with
                      | UsageError message ->
                          Expect.stringStarts message "Cannot write to " "what"
                          Expect.stringEnds message " Choose another folder with --out." "what to do"
                      | other -> failtest $"{other}")

                  disk.MakeWritable()
                  disk.Fill 0L

                  Expect.throwsC (sweep (disk.File "runs")) (fun error ->
                      Expect.isTrue (error :? MissingException) $"{error}"
                      Expect.stringStarts error.Message "The disk of " "what"
                      Expect.stringEnds error.Message " Free space, then repeat the command." "what to do"))
          } ]
