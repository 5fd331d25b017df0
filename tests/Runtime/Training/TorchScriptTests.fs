/// Networks and losses from Python: the committed files of experiments/python.
module ChannelDistillation.Tests.Runtime.Training.TorchScriptTests

open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.TorchScript
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Checkpoints
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining

let private file name = Archive.Read(Path.Combine(Repository.root, "experiments", "python", name)).File
let private scriptedTeacher = lazy TeacherSpec(Model = ModelSpec.Of(file "teacher.pt"))

/// A loss from Python with its defaults.
let private scripted name archive weight =
    let script = file archive
    let descriptor = ScriptedLoss.Describe(name, Archive.Read script.Path)
    LossSpec(Name = name, Script = script, Weight = weight, Parameters = descriptor.DefaultParameters, Schedule = always)

let private run (student: ModelSpec) losses =
    RunSpec(
        Dataset = dataset,
        Teacher = scriptedTeacher.Value,
        Student = student,
        Train = train 2 0.02,
        Losses = Array.ofList (loss "ce" 1.0 always :: losses),
        Seed = 7L
    )

let private scriptedStudent = lazy ModelSpec.Of(file "student-0.pt")

/// A scripted student (with dropout) and losses, one of which has parameters and a buffer.
let private hint () = "hint", run scriptedStudent.Value [ scripted "soft" "soft_labels.pt" 1.0; scripted "hint" "hint.pt" 1.0 ]
let private soft () = "soft", run scriptedStudent.Value [ scripted "soft" "soft_labels.pt" 1.0 ]

let private completed (watcher: Watcher) =
    for entry in watcher.Ended do
        Expect.equal entry.Value.Status RunStatus.Completed $"{entry.Key}: {entry.Value.Message}"

let private tensors (path: string) =
    let state = SafetensorsFile.Read path
    Map [ for entry in state.Tensors -> entry.Key, entry.Value.clone().DetachFromDisposeScope() ]

[<Tests>]
let tests =
    testSequenced
    <| testList
        "torchscript"
        [ test "A loss from Python gives the metrics of the built-in loss with the same formula" {
              use folder = new TemporaryFolder()
              let mine = lane folder "runs" ("mine", run (ModelSpec "resnet8") [ scripted "soft" "soft_labels.pt" 1.0 ])
              let built = lane folder "runs" ("built-in", run (ModelSpec "resnet8") [ loss "kd" 1.0 always ])
              trainLanes folder [ mine; built ] |> completed
              let epochs (lane: LaneSpec) = RunFolder(lane.Folder).ReadMetrics() |> List.ofSeq

              for a, b in List.zip (epochs mine) (epochs built) do
                  Expect.floatClose { absolute = 1e-5; relative = 1e-5 } a.Loss b.Loss "total"
                  Expect.floatClose { absolute = 1e-5; relative = 1e-5 } a.Losses["soft"] b.Losses["kd"] "the loss"
                  Expect.equal (a.Top1Error, a.Top5Error) (b.Top1Error, b.Top5Error) "errors"
          }

          test "A run with student, teacher and losses from Python has identical results alone and in a cohort" {
              use folder = new TemporaryFolder()
              let together = [ lane folder "together" (hint ()); lane folder "together" (soft ()) ]
              let alone = [ lane folder "alone" (hint ()); lane folder "alone" (soft ()) ]
              trainLanes folder together |> completed

              for single in alone do
                  trainLanes folder [ single ] |> completed

              for a, b in List.zip together alone do
                  Expect.equal (outcome a) (outcome b) a.Name
          }

          test "A run with student, teacher and losses from Python resumes within an epoch to identical results" {
              use folder = new TemporaryFolder()
              let whole, resumed = lane folder "whole" (hint ()), lane folder "resumed" (hint ())
              trainLanes folder [ whole ] |> completed

              // In the first epoch, at its end, and in the second.
              for steps in [ 2; 3; 3 ] do
                  trainUntil steps folder [ resumed ] |> ignore

              trainLanes folder [ resumed ] |> completed
              Expect.equal (outcome resumed) (outcome whole) "metrics and weights"

              Expect.equal
                  (File.ReadAllBytes(RunFolder(resumed.Folder).State))
                  (File.ReadAllBytes(RunFolder(whole.Folder).State))
                  "the training state"
          }

          test "Training changes every parameter of a student and of a loss from Python, and the buffer of the loss" {
              use folder = new TemporaryFolder()
              use scope = TorchSharp.torch.NewDisposeScope()
              let lane = lane folder "runs" (hint ())
              trainLanes folder [ lane ] |> completed
              let state = tensors (RunFolder(lane.Folder).State)
              use student = (ModelCatalog.Describe scriptedStudent.Value).Build(scriptedStudent.Value, ImageShape(1, 32, 32), 10)
              use hint = LoadedModule.Load(file "hint.pt")

              for prefix, initial in [ "student.", student.state_dict (); "losses.hint.", hint.state_dict () ] do
                  for entry in initial do
                      Expect.isFalse (state[prefix + entry.Key].equal(entry.Value).all().item<bool>()) $"{prefix}{entry.Key} has changed"
          }

          test "A student from Python is saved under the names of its Python module" {
              use folder = new TemporaryFolder()
              let lane = lane folder "runs" (soft ())
              trainLanes folder [ lane ] |> completed

              let names =
                  (SafetensorsFile.Read(RunFolder(lane.Folder).LatestWeights)).Tensors.Keys
                  |> Seq.filter (fun name -> name.StartsWith "layer1.bn1")

              Expect.equal
                  (set names)
                  (set
                      [ "layer1.bn1.weight"
                        "layer1.bn1.bias"
                        "layer1.bn1.running_mean"
                        "layer1.bn1.running_var"
                        "layer1.bn1.num_batches_tracked" ])
                  "names"
          }

          test "A traced teacher uses the statistics of the batch with batch_stats" {
              use scope = TorchSharp.torch.NewDisposeScope()
              let images = TorchSharp.torch.randn ([| 6L; 1L; 32L; 32L |])
              let labels = TorchSharp.torch.zeros ([| 6L |], TorchSharp.torch.int64)

              let logits batchNorm =
                  use folder = new TemporaryFolder()
                  let spec = TeacherSpec(Model = ModelSpec.Of(file "teacher.pt"), BatchNorm = batchNorm)
                  use teacher = TeacherStore(Workspace folder.Path).Load(spec, dataset, TorchSharp.torch.CPU)
                  teacher.Run(images, labels, Taps.Logits).Logits

              let running, batch = logits TeacherBatchNorm.RunningStats, logits TeacherBatchNorm.BatchStats
              Expect.isFalse (running.allclose batch) "other statistics, other logits"
          }

          test "A run's identity includes the content of a file from Python, but not its folder" {
              use folder = new TemporaryFolder()
              let copy = folder.File "student-0.pt"
              File.Copy(file("student-0.pt").Path, copy)
              let _, original = soft ()
              let moved = run (ModelSpec.Of(Archive.Read(copy).File)) [ scripted "soft" "soft_labels.pt" 1.0 ]
              Expect.equal (SpecJson.Hash moved) (SpecJson.Hash original) "the same content elsewhere"

              let other =
                  run (ModelSpec.Of(Archive.Read(file("student-1.pt").Path, "student-0.pt").File)) [ scripted "soft" "soft_labels.pt" 1.0 ]

              Expect.notEqual (SpecJson.Hash other) (SpecJson.Hash original) "other content of the same name"
          }

          test "A student without trainable parameters fails with the reason" {
              use folder = new TemporaryFolder()
              let traced = run scriptedTeacher.Value.Model []
              let watcher = trainLanes folder [ lane folder "runs" ("traced", traced) ]

              Expect.equal
                  watcher.Ended["traced"].Message
                  "teacher.pt has no trainable parameters: it was exported as a teacher. Export it with train=True."
                  "message"
          }

          test "A file with a flipped byte is refused" {
              use folder = new TemporaryFolder()
              let copy = folder.File "teacher.pt"
              let bytes = File.ReadAllBytes(file("teacher.pt").Path)
              // Within the largest tensor.
              bytes[bytes.Length / 2] <- bytes[bytes.Length / 2] ^^^ 1uy
              File.WriteAllBytes(copy, bytes)

              Expect.throwsC (fun () -> LoadedModule.Load(Archive.Read(copy).File) |> ignore) (fun error ->
                  Expect.stringStarts error.Message $"{copy} is damaged: the checksum of `" "message"
                  Expect.stringEnds error.Message "does not match. Export it again." "message")
          }

          test "A file that has changed since it was planned is refused" {
              use folder = new TemporaryFolder()
              let copy = folder.File "hint.pt"
              File.Copy(file("hint.pt").Path, copy)
              let planned = Archive.Read(copy).File
              File.Copy(file("soft_labels.pt").Path, copy, true)

              Expect.throwsC (fun () -> LoadedModule.Load planned |> ignore) (fun error ->
                  Expect.equal error.Message $"{copy} has changed since this command read it. Repeat the command." "message")
          } ]
