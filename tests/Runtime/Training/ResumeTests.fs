/// What a resumed run keeps besides its results.
module ChannelDistillation.Tests.Runtime.Training.ResumeTests

open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Teachers
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private plain epochs = "student", spec null (train epochs 0.05) [ loss "ce" 1.0 always ]

/// Five good steps of an epoch, then a learning rate that makes any run diverge.
let private wild =
    let train =
        TrainSpec(Epochs = 2, Batch = 5, Optimizer = SgdSpec 0.05, LearningRateSchedule = LearningRateSchedule.Step([| 1 |], 1e32))

    "wild", spec null train [ loss "ce" 1.0 always ]

let private edit (run: LaneSpec) (change: string -> string) =
    let file = Path.Combine(run.Folder, "run.json")
    let before = File.ReadAllText file
    Expect.notEqual (change before) before "something to change"
    File.WriteAllText(file, change before)

/// The state after a kill.
let private copy (run: LaneSpec) place (folder: TemporaryFolder) =
    let target = Path.Combine(folder.Path, place)

    for file in Directory.GetFiles(run.Folder, "*", SearchOption.AllDirectories) do
        let there = Path.Combine(target, Path.GetRelativePath(run.Folder, file))
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName there)) |> ignore
        File.Copy(file, there)

    LaneSpec(run.Name, run.Spec, target)

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a run that goes on"
        [ test "A resumed run counts the seconds of an epoch across all processes that trained it" {
              use folder = new TemporaryFolder()
              use stop = new CancellationTokenSource()

              let slow stopAt =
                  Watcher(fun steps ->
                      Thread.Sleep 60

                      if steps = stopAt then
                          stop.Cancel())

              let run = lane folder "runs" (plain 1)
              CohortTrainer.Train([| run |], options folder, (slow 3).On, stop.Token)
              trainLanes folder [ run ] |> ignore
              let epoch = (RunFolder(run.Folder).ReadMetrics())[0]
              Expect.isGreaterThan epoch.Seconds 0.18 "the steps before"
              Expect.isGreaterThan (float imageCount / epoch.ImagesPerSecond) 0.18 "of all images"
              Expect.isLessThanOrEqual (float imageCount / epoch.ImagesPerSecond) epoch.Seconds "validation takes time too"
          }

          test "A resumed run has a speed even if only the validation of an epoch was left" {
              use folder = new TemporaryFolder()
              use stop = new CancellationTokenSource()
              let run = lane folder "runs" (plain 1)
              let watcher = Watcher((fun _ -> Thread.Sleep 60), onValidation = stop.Cancel)
              CohortTrainer.Train([| run |], options folder, watcher.On, stop.Token)
              trainLanes folder [ run ] |> ignore
              let epoch = (RunFolder(run.Folder).ReadMetrics())[0]
              // Five steps; the pause of the last one is over when validation starts.
              Expect.isGreaterThan (float imageCount / epoch.ImagesPerSecond) 0.24 "that of the training before"
          }

          test "A resumed run keeps the start of each of its sessions" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" (plain 2)
              trainUntil 3 folder [ run ] |> ignore
              trainUntil 4 folder [ run ] |> ignore
              trainLanes folder [ run ] |> ignore
              let sessions = Sessions.Counting(RunFolder(run.Folder).ReadRun())
              let began = [ for session in sessions -> int session["epoch"], int session["step"] ]
              Expect.equal began [ 1, 0; 1, 3; 2, 2 ] "epoch and step"

              for session in sessions do
                  Expect.isGreaterThan (float (session["seconds"])) (float (session["saving_seconds"])) "saving is a part of it"
                  Expect.isGreaterThan (float (session["saving_seconds"])) 0.0 "something was saved"
          }

          test "A run that resumes with different code reports the parts that have changed" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" (plain 2)
              trainUntil 3 folder [ run ] |> ignore
              let code = TrainingCode.Of run.Spec
              code["loss ce"] <- JsonValue.Create "0123456789abcdef"
              RunFolder(run.Folder).WriteStart(run.Name, run.Spec, "cpu", struct (1, 3), RunOrigins(null, null, Code = code))
              let watcher = trainLanes folder [ run ]

              Expect.equal
                  (List.ofSeq watcher.Said)
                  [ $"{run.Name} resumes with different code than it started with (loss ce). To train it from scratch, remove its folder {run.Folder}." ]
                  "said"
          }

          test "A run that diverged before reports that it is expected to diverge again, and restarts from scratch if software or machine changed" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" wild
              let first = trainLanes folder [ run ]
              Expect.stringContains first.Ended["wild"].Message "Its last checkpoint is from the end of epoch 1." "first"

              let again = trainLanes folder [ run ]

              Expect.equal
                  (List.ofSeq again.Said)
                  [ "wild diverged before with this software on this machine, and is expected to diverge again. A smaller learning rate or loss weight, or a warm-up, may help." ]
                  "said"

              Expect.equal again.Ended["wild"].Message first.Ended["wild"].Message "and it does"
              Expect.equal again.Steps (first.Steps - 5) "from its checkpoint"
              edit run _.Replace("\"processor\": \"", "\"processor\": \"another ")
              let elsewhere = trainLanes folder [ run ]

              Expect.equal
                  (List.ofSeq elsewhere.Said)
                  [ "wild restarts from scratch: it diverged before with other software or on another machine." ]
                  "said"

              Expect.equal elsewhere.Steps first.Steps "from its start"
          }

          test "A run never resumes from weights trained with another teacher, whenever it is killed" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let kd = variants 2 |> List.find (fun (name, _) -> name = "kd")
              let run = lane folder "runs" kd
              trainUntil 6 folder [ run ] |> ignore
              edit run (fun text -> text.Replace("\"teacher_sha256\": \"", "\"teacher_sha256\": \"0"))
              let left = ref run

              let watcher =
                  Watcher(fun step ->
                      if step = 2 then
                          left.Value <- copy run "left" folder)

              CohortTrainer.Train([| run |], options folder, watcher.On, CancellationToken.None)
              Expect.equal (List.ofSeq watcher.Said) [ "kd restarts from scratch: the teacher's weights have changed since it started." ] "said"
              Expect.equal (trainLanes folder [ left.Value ]).Steps 10 "nothing to go on from"
              Expect.equal (outcome left.Value) (outcome run) "the same numbers"
          } ]
