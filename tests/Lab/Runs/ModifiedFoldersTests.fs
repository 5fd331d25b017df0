/// Sweeps over run folders that are copies, of other runs, or damaged.
module ChannelDistillation.Tests.Lab.Runs.ModifiedFoldersTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ChannelDistillation.Runs
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Overview
open ChannelDistillation.Tests

let private allDone = [ "student", "done"; "kd", "done" ]
let private states (outcome: Outcome) = [ for job in outcome.Jobs -> job.Run.Variant, string job.State ]

/// A finished sweep of two runs, to be modified and repeated.
let private afterwards (test: Plan -> SweepOptions -> string list -> unit) =
    use folder = new TemporaryFolder()
    let plan = TinySweep.plan folder "small.yaml" TinySweep.studentAndKd
    let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")
    Expect.equal (TinySweep.sweep options plan |> states) allDone "before"
    test plan options [ for run in plan.Runs -> Path.Combine(options.Out, "small", RunFolder.NameOf(run.Name, run.Spec)) ]

let private inside (folder: string) name = Path.Combine(folder, name)

let private change (file: string) (entry: string) (value: string) =
    let content = (JsonNode.Parse(File.ReadAllText file) |> nonNull).AsObject()
    content[entry] <- JsonNode.Parse value
    File.WriteAllText(file, content.ToJsonString())

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a sweep over modified folders"
        [ test "A folder of another run is not used, and the message has the fix" {
              afterwards (fun plan options folders ->
                  let student = folders.Head
                  let other = "0123456789abcdef"
                  change (inside student "run.json") "hash" $"\"{other}\""
                  let outcome = TinySweep.sweep options plan
                  Expect.equal (states outcome) [ "student", "new"; "kd", "done" ] "states"

                  Expect.equal
                      outcome.Missing
                      [ $"{student} cannot be used for {plan.Runs.Head.Name}: its run.json is of another run (hash {other}). "
                        + "Rename it or move it out of the experiment's folder, then repeat the command." ]
                      "message"

                  let row = outcome.Results.Rows |> List.find (fun row -> row.Variant = "student")
                  Expect.equal row.Top1Error ChannelDistillation.Lab.Tables.Statistic.Nothing "its errors are not in the table"
                  Directory.Move(student, student + "-of-another")
                  Expect.equal (TinySweep.sweep options plan |> states) allDone "moved away")
          }

          test "A table does not show the errors of another run whose hash starts with the same eight digits" {
              afterwards (fun plan options folders ->
                  let student = folders.Head
                  let own = nonNull (RunFolder(student).ReadHash())
                  let other = own[..7] + String.replicate 56 "0"
                  change (inside student "run.json") "hash" $"\"{other}\""
                  let folder = Path.Combine(options.Out, "small")
                  let layout = Expect.wantSome (ChannelDistillation.Lab.Tables.PlanReader.read folder) "plan.json"
                  let row = (ResultTables.collect folder layout).Rows |> List.find (fun row -> row.Variant = "student")
                  Expect.equal row.Top1Error ChannelDistillation.Lab.Tables.Statistic.Nothing "from plan.json"
                  Expect.equal (states (TinySweep.sweep options plan)) [ "student", "new"; "kd", "done" ] "in a sweep")
          }

          test "A completed run whose weights were removed is kept, with a message" {
              afterwards (fun plan options folders ->
                  File.Delete(RunFolder(folders.Head).BestWeights)
                  let before = Outcome.ofFolder folders.Head
                  let outcome = TinySweep.sweep options plan
                  Expect.equal (states outcome) allDone "its result stands"
                  Expect.equal (Outcome.ofFolder folders.Head) before "nothing is written over"

                  let note =
                      $"The weights of these completed runs have been removed: {plan.Runs.Head.Name}. Their results remain valid; "
                      + "to retrain a run, remove its folder."

                  Expect.equal outcome.Warnings [ note ] "a sweep says so"

                  Expect.stringContains
                      (PlanText.render
                          options.Workspace
                          "cpu"
                          16
                          plan
                          outcome.Jobs
                          [ for job in outcome.Jobs -> job.Run.Spec.Dataset, Ok None ]
                          []
                          []
                          (fun _ -> None))
                      note
                      "and a plan"

                  Directory.Delete(folders.Head, true)
                  let again = TinySweep.sweep options plan
                  Expect.equal (states again, again.Warnings) (allDone, []) "trained again")
          }

          test "A run's own folder is preferred to copies, and a completed folder to others" {
              afterwards (fun plan options folders ->
                  let student = folders.Head
                  let name = nonNull (Path.GetFileName student)
                  let named prefix = Path.Combine(options.Out, "small", prefix + name)
                  let folderOf () = (Job.ofPlan (Path.Combine(options.Out, "small")) plan).Head.FolderName
                  let copy = Directory.CreateDirectory(named "backup of ").FullName
                  File.Copy(inside student "run.json", inside copy "run.json")
                  Expect.equal (folderOf ()) name "its own"
                  Directory.Move(student, named "renamed ")
                  Expect.equal (folderOf ()) $"renamed {name}" "the completed one"
                  Expect.equal (TinySweep.sweep options plan |> states) allDone "nothing to do")
          }

          test "A run with an incomplete result.json is finished again from its checkpoint" {
              afterwards (fun plan options folders ->
                  let result = inside folders.Head "result.json"
                  let before = File.ReadAllText result

                  for damaged in
                      [ "{}"
                        """{"status":"completed"}"""
                        """{"status":"completed","last":null,"best":null}"""
                        """{"status":7,"last":null,"best":null}"""
                        """{"status":"completed","last":{},"best":{}}""" ] do
                      File.WriteAllText(result, damaged)
                      let job = (Job.ofPlan (Path.Combine(options.Out, "small")) plan).Head
                      Expect.equal job.State Resumes damaged
                      Expect.equal (TinySweep.sweep options plan |> states) allDone damaged
                      Expect.equal (File.ReadAllText result) before damaged)
          }

          test "A run whose run.json has entries of wrong types resumes" {
              afterwards (fun plan options folders ->
                  for damaged in
                      [ """{"teacher_sha256":5}"""
                        """{"sessions":5,"hardware":7}"""
                        """{"sessions":[{"epoch":"one"}]}"""
                        """{"run":"a","run":"b"}"""
                        "[]" ] do
                      for folder in folders do
                          File.WriteAllText(inside folder "run.json", damaged)

                      Expect.equal (TinySweep.sweep options plan |> states) allDone $"{damaged}: completed runs"
                      File.Delete(inside folders.Head "result.json")
                      Expect.equal (TinySweep.sweep options plan |> states) allDone $"{damaged}: a run that resumes"
                      Expect.isNotNull (RunFolder(folders.Head).ReadRun()) $"{damaged}: rewritten")
          }

          test "A teacher with an incomplete result.json is finished again" {
              afterwards (fun plan options folders ->
                  let teacher = (Teachers.ofPlan plan).Head
                  let checkpoint = ChannelDistillation.Training.TeacherStore(options.Workspace).CheckpointOf(teacher.Spec, teacher.Dataset)
                  let home = nonNull (Path.GetDirectoryName(Path.GetDirectoryName checkpoint))
                  let before = File.ReadAllText(inside home "result.json")

                  for damaged in [ "{}"; """{"status":"completed"}""" ] do
                      Directory.Delete(folders[1], true)
                      File.WriteAllText(inside home "result.json", damaged)
                      Expect.equal (TinySweep.sweep options plan |> states) allDone damaged
                      Expect.equal (File.ReadAllText(inside home "result.json")) before damaged)
          }
          test "Damaged weights of a teacher are restored from its state, or by training" {
              afterwards (fun plan options folders ->
                  let teacher = (Teachers.ofPlan plan).Head
                  let weights = ChannelDistillation.Training.TeacherStore(options.Workspace).CheckpointOf(teacher.Spec, teacher.Dataset)
                  let state = RunFolder(nonNull (Path.GetDirectoryName(Path.GetDirectoryName weights))).State
                  let before = File.ReadAllBytes weights
                  let student = Outcome.ofFolder folders[1]

                  let flip (file: string) =
                      let bytes = File.ReadAllBytes file
                      bytes[bytes.Length - 9] <- bytes[bytes.Length - 9] ^^^ 1uy
                      File.WriteAllBytes(file, bytes)

                  for what in [ [ weights ]; [ weights; state ] ] do
                      List.iter flip what
                      Directory.Delete(folders[1], true)
                      Expect.equal (TinySweep.sweep options plan |> states) allDone $"{what}"
                      Expect.equal (File.ReadAllBytes weights) before $"{what}: the teacher"
                      Expect.equal (Outcome.ofFolder folders[1]) student $"{what}: who learned from it")
          }

          test "A folder in place of a file is reported, with what to remove" {
              afterwards (fun plan options folders ->
                  let metrics = inside folders.Head "metrics.jsonl"
                  File.Delete(inside folders.Head "result.json")
                  File.Delete metrics
                  Directory.CreateDirectory metrics |> ignore
                  let outcome = TinySweep.sweep options plan

                  Expect.equal
                      outcome.Missing
                      [ $"Nothing can be saved: {metrics} must be a file but is a folder; remove it. Earlier checkpoints are intact. "
                        + "Free disk space or make the folder writable, and repeat the command." ]
                      "said"

                  Directory.Delete metrics
                  Expect.equal (TinySweep.sweep options plan |> states) allDone "removed")
          }

          test "If the teacher's file cannot be used, a sweep ends with the reason before it trains or writes anything" {
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "broken.pth", "<!DOCTYPE html>")
              let file = TinySweep.studentAndKd.Replace("train: { epochs: 1 } }", "checkpoint: broken.pth }")
              let plan = TinySweep.plan folder "small.yaml" file
              let options = TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs")

              Expect.throwsC (fun () -> TinySweep.sweep options plan |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      ($"""The teacher resnet8 cannot be used. {folder.File "broken.pth"} is a web page, not a checkpoint: """
                       + "the download returned an error or a log-in page.")
                      "message")

              Expect.isEmpty (Directory.GetFiles(folder.File "runs", "*", SearchOption.AllDirectories)) "files"
          } ]
