module ChannelDistillation.Tests.Runtime.Training.CohortTests

open System.IO
open Expecto
open TorchSharp
open ChannelDistillation.Core
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private statuses (watcher: Watcher) = [ for entry in watcher.Ended -> entry.Key, string entry.Value.Status ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "a cohort"
        [ test "A cohort gives every lane the results that it has alone, bit for bit" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let together = [ for variant in variants 2 -> lane folder "together" variant ]
              let watcher = trainLanes folder together
              Expect.equal (statuses watcher) [ for name, _ in variants 2 -> name, "Completed" ] "all completed"

              for variant in variants 2 do
                  let alone = lane folder "alone" variant
                  trainLanes folder [ alone ] |> ignore
                  Expect.equal (outcome alone) (outcome (lane folder "together" variant)) (fst variant)
          }

          test "A cohort interrupted anywhere resumes to identical results" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let undisturbed = [ for variant in variants 2 -> lane folder "undisturbed" variant ]
              trainLanes folder undisturbed |> ignore
              // 5 steps per epoch: within the first, at its end, and in the second.
              for step in [ 1; 3; 5; 8 ] do
                  let lanes = [ for variant in variants 2 -> lane folder $"stopped-{step}" variant ]
                  let first = trainUntil step folder lanes
                  Expect.all (statuses first) (fun (_, status) -> status = "Interrupted") $"stopped after step {step}"
                  let rest = trainLanes folder lanes
                  Expect.equal rest.Steps (10 - step) "no step is done twice"

                  for resumed, whole in List.zip lanes undisturbed do
                      Expect.equal (outcome resumed) (outcome whole) $"{resumed.Name}, interrupted after step {step}"
          }

          test "A run whose teacher's weights have changed restarts from scratch" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let kd = variants 2 |> List.find (fun (name, _) -> name = "kd")
              let undisturbed = lane folder "undisturbed" kd
              trainLanes folder [ undisturbed ] |> ignore
              let lane = lane folder "interrupted" kd
              trainUntil 6 folder [ lane ] |> ignore
              // As if it had started with another teacher.
              let run = RunFolder lane.Folder
              run.WriteStart(lane.Name, lane.Spec, "cpu", struct (2, 1), RunOrigins("0123", null))
              let watcher = trainLanes folder [ lane ]
              Expect.equal (List.ofSeq watcher.Said) [ "kd restarts from scratch: the teacher's weights have changed since it started." ] "said"
              Expect.equal watcher.Steps 10 "every step"
              Expect.equal (outcome lane) (outcome undisturbed) "the numbers of the teacher that is there"
          }

          test "A run that starts later joins the cohort, and a run that is further ahead waits for it" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let all = [ for variant in variants 2 -> lane folder "together" variant ]
              trainUntil 7 folder (List.take 2 all) |> ignore
              let watcher = trainLanes folder all
              Expect.equal watcher.Steps 10 "one pass over the epochs for everyone"

              for variant in variants 2 do
                  let alone = lane folder "alone" variant
                  trainLanes folder [ alone ] |> ignore
                  Expect.equal (outcome (lane folder "together" variant)) (outcome alone) (fst variant)
          }

          test "A cohort continues without a lane that diverges, and reports what became infinite and where" {
              use folder = new TemporaryFolder()
              let healthy = "healthy", spec null (train 2 0.05) [ loss "ce" 1.0 always ]
              let wild = "wild", spec null (train 2 1e30) [ loss "ce" 1.0 always ]
              let watcher = trainLanes folder [ lane folder "both" wild; lane folder "both" healthy ]
              Expect.equal (statuses watcher |> List.sort) [ "healthy", "Completed"; "wild", "Diverged" ] "how they ended"

              Expect.equal
                  watcher.Ended["wild"].Message
                  "In epoch 1, step 2, ce became infinite or NaN. There is no checkpoint yet. A smaller learning rate or loss weight, or a warm-up, may help."
                  "the message"

              trainLanes folder [ lane folder "alone" healthy ] |> ignore
              Expect.equal (outcome (lane folder "both" healthy)) (outcome (lane folder "alone" healthy)) "the other lane"
          }

          test "A cohort continues without a lane whose folder is not writable, and reports it at the end" {
              use folder = new TemporaryFolder()
              File.WriteAllText(folder.File "occupied", "")
              let variant = "student", spec null (train 1 0.05) [ loss "ce" 1.0 always ]
              let stuck = LaneSpec("stuck", snd variant, Path.Combine(folder.Path, "occupied", "stuck"))
              let watcher = Watcher()

              let train () =
                  CohortTrainer.Train([| stuck; lane folder "runs" variant |], options folder, watcher.On, System.Threading.CancellationToken.None)

              Expect.throwsC train (fun error ->
                  Expect.isTrue (error :? MissingException) "kind"

                  Expect.equal
                      (error.Message.Replace(folder.Path, "FOLDER"))
                      "Nothing can be saved: Could not find a part of the path 'FOLDER/occupied/stuck'. Earlier checkpoints are intact. Free disk space or make the folder writable, and repeat the command."
                      "message")

              Expect.equal (statuses watcher) [ "stuck", "Interrupted"; "student", "Completed" ] "how they ended"
          }

          test "A cohort that runs out of memory is halved, and the other half is trained afterwards with identical results" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let undisturbed = [ for variant in variants 2 -> lane folder "undisturbed" variant ]
              trainLanes folder undisturbed |> ignore
              let lanes = [ for variant in variants 2 -> lane folder "halved" variant ]
              let mutable first = true

              let scarce (name: string) =
                  if name = "kd" && first then
                      first <- false

                      // A petabyte, for libtorch's own message.
                      torch.empty(1L <<< 48).Dispose()

              let watcher = Watcher(onEpoch = scarce)
              CohortTrainer.Train(Array.ofList lanes, options folder, watcher.On, System.Threading.CancellationToken.None)
              Expect.equal (List.ofSeq watcher.Said) [ "Out of memory: training continues with 2 of 4 runs; the others follow." ] "said"
              Expect.all (statuses watcher) (fun (_, status) -> status = "Completed") "all completed"

              for halved, whole in List.zip lanes undisturbed do
                  Expect.equal (outcome halved) (outcome whole) halved.Name
          }

          test "A run that does not fit in memory alone fails, and the cohort continues without a run that throws" {
              use folder = new TemporaryFolder()
              let plain = spec null (train 1 0.05) [ loss "ce" 1.0 always ]
              let scarce (_: string) = raise (System.Runtime.InteropServices.ExternalException "CUDA out of memory. Tried to allocate 2.00 GiB")
              let watcher = Watcher(onEpoch = scarce)
              CohortTrainer.Train([| lane folder "alone" ("student", plain) |], options folder, watcher.On, System.Threading.CancellationToken.None)

              Expect.equal
                  watcher.Ended["student"].Message
                  "Not enough memory, even for this run alone. Use a smaller batch. libtorch: CUDA out of memory. Tried to allocate 2.00 GiB."
                  "message"

              let broken (name: string) =
                  if name = "broken" then
                      failwith "a mistake of ours"

              let watcher = Watcher(onEpoch = broken)
              let lanes = [| lane folder "both" ("broken", plain); lane folder "both" ("student", plain) |]
              CohortTrainer.Train(lanes, options folder, watcher.On, System.Threading.CancellationToken.None)
              Expect.equal (statuses watcher) [ "broken", "Failed"; "student", "Completed" ] "how they ended"
              Expect.equal watcher.Ended["broken"].Message "Exception: a mistake of ours" "why"
          }

          test "A run that another process has taken over is no longer written to" {
              use folder = new TemporaryFolder()
              let plain = spec null (train 2 0.05) [ loss "ce" 1.0 always ]
              let mutable ours = true
              let lost = LaneSpec("lost", plain, Path.Combine(folder.Path, "runs", "lost"), IsLeaseHeld = (fun () -> ours))

              let watcher =
                  Watcher(fun step ->
                      if step = 7 then
                          ours <- false)

              let student = lane folder "runs" ("student", plain)
              CohortTrainer.Train([| lost; student |], options folder, watcher.On, System.Threading.CancellationToken.None)
              Expect.equal (List.ofSeq watcher.Said) [ "lost was taken over by another process while this one was unresponsive." ] "said"
              Expect.hasLength (RunFolder(lost.Folder).ReadMetrics()) 1 "epochs"
              Expect.isNull (RunFolder(lost.Folder).ReadResult()) "no result"
              Expect.equal (statuses watcher) [ "student", "Completed" ] "the other"
          }

          test "A run with a damaged result is trained to its end" {
              use folder = new TemporaryFolder()
              let run = lane folder "runs" ("student", spec null (train 1 0.05) [ loss "ce" 1.0 always ])
              trainLanes folder [ run ] |> ignore
              let before = outcome run
              File.WriteAllText(Path.Combine(run.Folder, "result.json"), "")
              Expect.isNull (RunFolder(run.Folder).ReadResult()) "a damaged result is none"
              let watcher = trainLanes folder [ run ]
              Expect.equal watcher.Steps 0 "nothing is trained again"
              let result = Path.Combine(run.Folder, "result.json")
              Expect.equal (List.ofSeq watcher.Said) [ $"student: {result} is damaged and will be regenerated." ] "said"
              Expect.equal (outcome run) before "the numbers"
              Expect.equal (RunFolder(run.Folder).ReadResult().Status) RunStatus.Completed "and it has ended"
          }

          test "A cohort holds the same number of tensors after every step" {
              use folder = new TemporaryFolder()
              trainTeacher folder
              let counts = ResizeArray()
              // Of this thread: other threads have their own tensors.
              let watcher = Watcher(fun _ -> counts.Add DisposeScopeManager.Statistics.ThreadTotalLiveCount)
              let lanes = [| for variant in variants 3 -> lane folder "runs" variant |]
              CohortTrainer.Train(lanes, options folder, watcher.On, System.Threading.CancellationToken.None)
              // The first epochs add momentum and activate losses; afterwards nothing may grow.
              Expect.equal (counts |> Seq.skip 10 |> Seq.distinct |> Seq.length) 1 $"live tensors: {List.ofSeq counts}"
          }

          test "Runs that do not belong together are refused" {
              use folder = new TemporaryFolder()

              let other =
                  RunSpec(Dataset = dataset, Student = ModelSpec "resnet8", Train = train 1 0.1, Losses = [| loss "ce" 1.0 always |], Seed = 8L)

              let lanes = [ lane folder "runs" ("a", snd (variants 1).Head); lane folder "runs" ("b", other) ]

              Expect.throwsC (fun () -> trainLanes folder lanes |> ignore) (fun error ->
                  Expect.equal
                      error.Message
                      "The lanes of a cohort must share dataset, teacher, batch size and data seed. (Parameter 'specs')"
                      "the message")
          }

          test "A cohort groups runs with the same batches and teacher, and a run without a teacher joins those with one" {
              let other = TeacherSpec(Model = ModelSpec "resnet20", Train = train 1 0.05)
              let own = [ loss "ce" 1.0 always ]

              let runs =
                  [ "student", spec null (train 1 0.1) own
                    "kd", spec teacher (train 1 0.1) own
                    "more epochs", spec teacher (train 5 0.2) own
                    "other teacher", spec other (train 1 0.1) own
                    "other batch",
                    spec
                        teacher
                        (TrainSpec(Epochs = 1, Batch = 8, Optimizer = SgdSpec 0.1, LearningRateSchedule = LearningRateSchedule.Constant()))
                        own ]

              let cohorts = [ for cohort in Cohort.Group(runs, snd) -> [ for name, _ in cohort -> name ] ]
              Expect.equal cohorts [ [ "student"; "kd"; "more epochs" ]; [ "other teacher" ]; [ "other batch" ] ] "the cohorts"
          }

          test "A cohort interrupted during validation resumes with the validation" {
              use folder = new TemporaryFolder()
              let variant = "student", spec null (train 2 0.05) [ loss "ce" 1.0 always ]
              let whole = lane folder "whole" variant
              trainLanes folder [ whole ] |> ignore
              let run = lane folder "stopped" variant
              use stop = new System.Threading.CancellationTokenSource()
              let watcher = Watcher(onValidation = stop.Cancel)
              CohortTrainer.Train([| run |], options folder, watcher.On, stop.Token)
              Expect.equal (statuses watcher) [ "student", "Interrupted" ] "stopped"
              Expect.isEmpty (RunFolder(run.Folder).ReadMetrics()) "an epoch without its validation is not finished"
              let rest = trainLanes folder [ run ]
              Expect.equal rest.Steps 5 "only the second epoch's steps are left"
              Expect.equal (outcome run) (outcome whole) "the numbers"
          }

          test "A student with infinite or NaN outputs has diverged, even after its last step" {
              use folder = new TemporaryFolder()

              let oneStep =
                  TrainSpec(Epochs = 1, Batch = imageCount, Optimizer = SgdSpec 1e38, LearningRateSchedule = LearningRateSchedule.Constant())

              let watcher = trainLanes folder [ lane folder "runs" ("wild", spec null oneStep [ loss "ce" 1.0 always ]) ]
              Expect.equal (statuses watcher) [ "wild", "Diverged" ] "how it ended"

              Expect.equal
                  watcher.Ended["wild"].Message
                  "After epoch 1 the student's outputs are infinite or NaN. There is no checkpoint yet. A smaller learning rate or loss weight, or a warm-up, may help."
                  "the message"
          } ]
