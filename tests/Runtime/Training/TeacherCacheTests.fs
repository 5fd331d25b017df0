/// Training with cached teacher outputs (`teacher.cache`).
module ChannelDistillation.Tests.Runtime.Training.TeacherCacheTests

open System
open System.IO
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Runs
open ChannelDistillation.Training
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training.TinyTraining
open ChannelDistillation.Schedules

let private cached = TeacherSpec(Model = ModelSpec "resnet14", Train = train 1 0.05, Cache = true)
let private still = DatasetSpec(Name = dataset.Name, Augmentation = AugmentationSpec.None)
let private varied views = DatasetSpec(Name = dataset.Name, Views = Nullable views)

let private on dataset (spec: RunSpec) =
    RunSpec(Dataset = dataset, Teacher = spec.Teacher, Student = spec.Student, Train = spec.Train, Losses = spec.Losses, Seed = spec.Seed)

let private losses = [ loss "ce" 1.0 always; loss "cd" 6.0 always; loss "gkd" 0.1 always; loss "rkd" 1.0 always ]

let private run dataset teacher epochs = spec teacher (train epochs 0.05) losses |> on dataset

/// Creates the teacher for a given augmentation.
let private trainTeacher (folder: TemporaryFolder) dataset =
    TeacherStore(Workspace folder.Path).Train(cached, dataset, options folder, Watcher().On, Threading.CancellationToken.None)

let private trainOne folder place spec =
    let lane = lane folder place ("run", spec)
    lane, trainLanes folder [ lane ]

let private isCompleted (watcher: Watcher) =
    Expect.equal (watcher.Ended["run"].Status, watcher.Ended["run"].Message) (RunStatus.Completed, null) "status"

/// Makes the teacher's weights unreadable, without changing the file's size and time, so that it counts as the same file.
let private spoilTeacher (folder: TemporaryFolder) dataset =
    let path = TeacherStore(Workspace folder.Path).CheckpointOf(cached, dataset)
    let written = File.GetLastWriteTimeUtc path
    File.WriteAllBytes(path, Array.zeroCreate (int (FileInfo path).Length))
    File.SetLastWriteTimeUtc(path, written)

let private signals (folder: TemporaryFolder) =
    Directory.GetFiles(Path.Combine(folder.Path, "cache", "teacher-signals"), "*", SearchOption.AllDirectories)
    |> Array.sort

/// All metrics: the weights files also contain the run's hash.
let private numbers (lane: LaneSpec) =
    let metrics, _, _ = outcome lane
    metrics

/// Losses of all epochs.
let private lossesOf (lane: LaneSpec) = [ for record in RunFolder(lane.Folder).ReadMetrics() -> record.Loss ]

let private expectClose (a: LaneSpec) (b: LaneSpec) =
    for one, other in List.zip (lossesOf a) (lossesOf b) do
        Expect.isLessThan (abs (one - other)) (1e-4 * abs other) $"{one} and {other}"

[<Tests>]
let tests =
    testSequenced
    <| testList
        "training: teacher cache"
        [ test "A run has the same results with and without the cache" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              let without, _ = trainOne folder "without" (run still teacher 3)
              let kept, watcher = trainOne folder "with" (run still cached 3)
              isCompleted watcher
              expectClose kept without
              let first lane = List.head (lossesOf lane)
              Expect.equal (first kept) (first without) "the first epoch, in which it is asked"

              Expect.equal
                  (signals folder |> Array.map Path.GetFileName)
                  [| "embedding.signals"; "logits.signals"; "means-1.signals"; "means-2.signals"; "means-3.signals" |]
                  "files"
          }

          test "With as many views as epochs, a run has the images that it has without views" {
              use folder = new TemporaryFolder()
              trainTeacher folder dataset
              let without, _ = trainOne folder "without" (run dataset teacher 2)
              let kept, watcher = trainOne folder "with" (run (varied 2) cached 2)
              isCompleted watcher
              Expect.equal (numbers kept) (numbers without) "every number"
          }

          test "Later epochs and runs do not use the teacher, whose weights are not even read" {
              for dataset in [ still; varied 1 ] do
                  use folder = new TemporaryFolder()
                  trainTeacher folder dataset
                  let first, watcher = trainOne folder "first" (run dataset cached 1)
                  isCompleted watcher
                  let whole, watcher = trainOne folder "whole" (run dataset cached 3)
                  isCompleted watcher
                  spoilTeacher folder dataset
                  let again, watcher = trainOne folder "again" (run dataset cached 3)
                  isCompleted watcher
                  Expect.equal (numbers again) (numbers whole) "every number"
                  Expect.equal (List.head (lossesOf again)) (List.head (lossesOf first)) "the run that filled it"

                  Expect.throwsT<MissingException>
                      (fun () -> trainOne folder "more" (run dataset teacher 1) |> ignore)
                      "without the cache, its weights are missed"
          }

          test "Outputs for a loss that starts later are cached from the beginning" {
              use folder = new TemporaryFolder()
              trainTeacher folder still

              let late epochs =
                  spec cached (train epochs 0.05) [ loss "cd" 6.0 always; loss "kd" 1.0 (LossWeightSchedule(StartAfter = 1)) ] |> on still

              let _, watcher = trainOne folder "early" (late 1)
              isCompleted watcher
              spoilTeacher folder still
              let _, watcher = trainOne folder "late" (late 3)
              isCompleted watcher
          }

          test "A run interrupted while the cache fills resumes to identical results" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              let whole, _ = trainOne folder "whole" (run still cached 3)
              Directory.Delete(Path.Combine(folder.Path, "cache"), recursive = true)
              let broken = lane folder "broken" ("run", run still cached 3)
              trainUntil 3 folder [ broken ] |> ignore
              let watcher = trainLanes folder [ broken ]
              isCompleted watcher
              Expect.equal (outcome broken) (outcome whole) "as if never interrupted"
          }

          test "Damaged outputs are recomputed, with a remark, and are intact afterwards" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              let whole, _ = trainOne folder "whole" (run still cached 2)
              let path = signals folder |> Array.find (fun path -> path.EndsWith "means-2.signals")
              let content = File.ReadAllBytes path
              let spoilt = Array.copy content
              spoilt[content.Length / 2] <- spoilt[content.Length / 2] ^^^ 1uy
              File.WriteAllBytes(path, spoilt)
              let again, watcher = trainOne folder "again" (run still cached 2)
              isCompleted watcher

              Expect.equal
                  (List.ofSeq watcher.Said)
                  [ $"{path} is partly damaged: the teacher's outputs are recomputed for the damaged images." ]
                  "said"

              expectClose again whole
              let _, watcher = trainOne folder "after" (run still cached 2)
              Expect.isEmpty watcher.Said "nothing more to say"
          }

          test "An invalid cache file is regenerated, with a remark" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              let whole, _ = trainOne folder "whole" (run still cached 2)
              let path = signals folder |> Array.find (fun path -> path.EndsWith "logits.signals")
              File.WriteAllText(path, "cut short")
              let again, watcher = trainOne folder "again" (run still cached 2)
              isCompleted watcher

              Expect.equal (List.ofSeq watcher.Said) [ $"The file {path} is damaged: its length or header is wrong. It is regenerated." ] "said"

              expectClose again whole
          }

          test "If nothing can be cached, the teacher runs on every batch" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              let without, _ = trainOne folder "without" (run still teacher 2)
              File.WriteAllText(folder.File "cache", "in the way")
              let kept, watcher = trainOne folder "with" (run still cached 2)
              isCompleted watcher
              Expect.equal (numbers kept) (numbers without) "every number"
              Expect.equal watcher.Said.Count 1 "said"
              Expect.stringContains watcher.Said[0] "The teacher runs on every batch." "said"
          }

          test "Every augmentation, seed and teacher has separate rows, and images without augmentation share theirs for all seeds" {
              use folder = new TemporaryFolder()
              let folders () = signals folder |> Array.map Path.GetDirectoryName |> Array.distinct |> Array.length

              let seeded seed (spec: RunSpec) =
                  RunSpec(
                      Dataset = spec.Dataset,
                      Teacher = spec.Teacher,
                      Student = spec.Student,
                      Train = spec.Train,
                      Losses = spec.Losses,
                      Seed = seed
                  )

              for dataset in [ still; varied 2 ] do
                  trainTeacher folder dataset

              let after place spec =
                  let _, watcher = trainOne folder place spec
                  isCompleted watcher
                  folders ()

              Expect.equal (after "still" (run still cached 1)) 1 "as they are"
              Expect.equal (after "still, other seed" (seeded 8L (run still cached 1))) 1 "another seed"
              Expect.equal (after "two" (run (varied 2) cached 1)) 2 "two views"
              Expect.equal (after "three" (run (varied 3) cached 1)) 3 "three views"
              Expect.equal (after "two, other seed" (seeded 8L (run (varied 2) cached 1))) 4 "another seed of two views"
          }

          test "Runs with and without the cache, or with other views, are no cohort, and a run without a teacher joins those with its views" {
              let runs =
                  [ run still teacher 2
                    run still cached 2
                    spec null (train 2 0.05) losses |> on still
                    run (varied 2) cached 2
                    run (varied 3) cached 2 ]

              let cohorts =
                  Cohort.Group(runs, id) |> Seq.map (Seq.map (fun run -> List.findIndex ((=) run) runs) >> List.ofSeq) |> List.ofSeq

              Expect.equal cohorts [ [ 0; 2 ]; [ 1 ]; [ 3 ]; [ 4 ] ] "cohorts"
          }

          test "Whole maps, batch statistics and images without views are refused" {
              use folder = new TemporaryFolder()
              trainTeacher folder still
              trainTeacher folder dataset
              let maps = spec cached (train 1 0.05) [ loss "at" 1.0 always ] |> on still

              let statistics =
                  TeacherSpec(Model = cached.Model, Train = cached.Train, Cache = true, BatchNorm = TeacherBatchNorm.BatchStats)

              for spec in [ maps; run still statistics 1; run dataset cached 1 ] do
                  Expect.throwsT<ArgumentException> (fun () -> trainOne folder "refused" spec |> ignore) "refused"
          } ]
