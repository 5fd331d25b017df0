module ChannelDistillation.Tests.Launch.Workers.AssignmentTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Dsl.Launch
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Launch

let private experiment =
    "experiment: queue
dataset: fashion-mnist-mini
teacher: { model: resnet14, train: { epochs: 1 } }
student: { model: resnet8 }
train: { epochs: 1, batch: 4, optimizer: { sgd: { lr: 0.05 } }, lr_schedule: constant }
losses: { ce: {}, kd: {} }
variants:
  student: [ce]
  a: [ce, kd]
  b: [ce, kd: { weight: 2 }]
  c: [ce, kd: { weight: 3 }]
seeds: [0, 1]
"

let private jobs =
    lazy
        (use folder = new TemporaryFolder()
         Job.ofPlan (folder.File "runs") (Tiny.plan folder "queue.yaml" experiment))

let private ofSeed (seed: int64) = jobs.Value |> List.filter (fun job -> job.Run.Seed = seed)
let private teacher = lazy (jobs.Value |> List.pick (fun job -> Teachers.ofRun job.Run))
let private isUntrained _ = true

/// For two workers, sixteen lanes.
let private queue runs unready = Assignments(2, 16, runs, unready, isUntrained)

let private shown (assignment: Assignment option) =
    match assignment with
    | None -> "nothing"
    | Some(BringTeacher teacher) -> "teacher " + teacher.Spec.Model.Name
    | Some(TrainRuns(runs, patient)) ->
        let names = runs |> List.map _.Run.Name |> String.concat " "
        if patient then names + " (patient)" else names

let private runsOf (assignment: Assignment option) =
    match assignment with
    | Some(TrainRuns(runs, _)) -> runs
    | _ -> failtest "runs were expected"

let private all (runs: Job list) = runs

[<Tests>]
let tests =
    testList
        "assignments of workers"
        [ testProperty "cohorts that are divided keep every run, in order, and none grows" (fun (lengths: byte list) (pieces: byte) ->
              let cohorts = lengths |> List.mapi (fun index length -> [ for run in 1 .. int length % 9 -> index, run ])
              let cohorts = cohorts |> List.filter (not << List.isEmpty)
              let divided = Division.into (int pieces) cohorts
              let longest = List.map List.length >> List.fold max 0
              Expect.equal (List.concat divided) (List.concat cohorts) "runs"
              Expect.isLessThanOrEqual (longest divided) (longest cohorts) "lanes"

              Expect.equal
                  divided.Length
                  (max cohorts.Length (min (int pieces) (List.concat cohorts).Length))
                  "as many as asked for, as far as there are runs")

          test "whole rounds of cohorts stay whole, and the last cohort is divided" {
              let queue = queue jobs.Value []
              Expect.equal (shown (queue.Take())) "student-seed0 a-seed0 b-seed0 c-seed0" "one of two"
              Expect.equal (shown (queue.Take())) "student-seed1 a-seed1" "the last, divided"
              Expect.equal (shown (queue.Take())) "b-seed1 c-seed1" "its other half"
          }

          test "runs without a teacher start while it is trained, and the others are divided when it is there" {
              let queue = queue (ofSeed 0L) [ teacher.Value ]
              Expect.equal (shown (queue.Take())) "teacher resnet14" "first"
              Expect.equal (shown (queue.Take())) "student-seed0" "meanwhile"
              queue.TeacherEnded(teacher.Value, true)
              Expect.equal (shown (queue.Take())) "a-seed0 b-seed0" "half"
              queue.RunsEnded []
              Expect.equal (shown (queue.Take())) "c-seed0" "the other half"
              queue.RunsEnded []
              queue.RunsEnded []
              Expect.equal (shown (queue.Take())) "nothing" "all is done"
          }

          test "without its teacher no run that needs it is given" {
              let queue = queue (ofSeed 0L) [ teacher.Value ]
              queue.Take() |> ignore
              queue.Take() |> ignore
              queue.TeacherEnded(teacher.Value, false)
              queue.RunsEnded []
              Expect.equal (shown (queue.Take())) "nothing" "only the student was trained"
          }

          test "whoever has nothing to do waits until there is something" {
              let queue = queue (ofSeed 0L |> List.tail) [ teacher.Value ]
              queue.Take() |> ignore
              let waiting = Task.Run(fun () -> queue.Take())
              Thread.Sleep 50
              Expect.isFalse waiting.IsCompleted "the teacher is in training"
              queue.TeacherEnded(teacher.Value, true)
              Expect.equal (shown waiting.Result) "a-seed0 b-seed0" "then it is not"
          }

          test "runs in the hands of another sweep come last, and then they are waited for" {
              let queue = queue jobs.Value []
              let first = queue.Take()
              queue.RunsEnded(runsOf first |> List.truncate 1)
              queue.Take() |> ignore
              queue.Take() |> ignore
              Expect.equal (shown (queue.Take())) "student-seed0 (patient)" "last"
          }

          test "what a dead worker left undone goes to the others, and nobody gets it after a second one" {
              let queue = queue (ofSeed 0L) []
              let first = queue.Take()
              let names (jobs: Job list) = jobs |> List.map _.Run.Name
              Expect.isEmpty (queue.WorkerDied(first.Value, List.tail)) "it is given again"
              let again = queue.Take()
              Expect.equal (shown again) "a-seed0" "but for what is done"
              Expect.equal (names (queue.WorkerDied(again.Value, all))) [ "a-seed0" ] "two workers went down with it"
              Expect.equal (shown (queue.Take())) "b-seed0 c-seed0" "the rest"
          }

          test "a teacher that brought two workers down keeps back the runs that need it" {
              let queue = Assignments(3, 16, ofSeed 0L, [ teacher.Value ], isUntrained)
              Expect.isEmpty (queue.WorkerDied((queue.Take()).Value, all)) "it is given again"
              Expect.hasLength (queue.WorkerDied((queue.Take()).Value, all)) 3 "those that learn from it"
              Expect.equal (shown (queue.Take())) "student-seed0" "the other"
              queue.RunsEnded []
              Expect.equal (shown (queue.Take())) "nothing" "all is done"
          }

          test "once it is closed it gives nothing" {
              let queue = queue jobs.Value []
              queue.Close()
              Expect.equal (shown (queue.Take())) "nothing" "closed"
          } ]
