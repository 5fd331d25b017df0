module ChannelDistillation.Tests.Lab.Workers.AssignmentTests

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Expecto
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs

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
         Job.ofPlan (folder.File "runs") (TinySweep.plan folder "queue.yaml" experiment))

let private ofSeed (seed: int64) = jobs.Value |> List.filter (fun job -> job.Run.Seed = seed)
let private teacher = lazy (jobs.Value |> List.pick (fun job -> Teachers.ofRun job.Run))
let private isUntrained _ = true
let private name (job: Job) = job.Run.Name
let private start = struct (1, 0)

/// No run was trained before, makes progress, or is suspect.
let private standings: ProgressLookup =
    { ProgressOfRun = fun _ -> Some start
      ProgressOfTeacher = fun _ -> Some start
      IsSuspectRun = fun _ -> false
      IsSuspectTeacher = fun _ -> false }

let private queueOf workers runs unready standings = Assignments(workers, 16, runs, unready, isUntrained, false, standings)

/// A queue for two workers with sixteen lanes.
let private queue runs unready = queueOf 2 runs unready standings

let private attempted (attempt: Attempt) =
    [ if attempt.IsRetry then
          "again"
      if attempt.Mode <> Standard then
          string attempt.Mode ]

let private shown (assignment: Assignment option) =
    match assignment with
    | None -> "nothing"
    | Some CountCosts -> "costs"
    | Some(PrepareTeacher(teacher, attempt)) -> String.Join(' ', [ "teacher"; teacher.Spec.Model.Name ] @ attempted attempt)
    | Some(TrainRuns(group, patient)) ->
        String.Join(' ', List.map name group.Runs @ attempted group.Attempt @ (if patient then [ "(patient)" ] else []))

let private runsOf (assignment: Assignment option) =
    match assignment with
    | Some(TrainRuns(group, _)) -> group.Runs
    | _ -> failtest "runs were expected"

let private killed = BySignal 9
let private crashed = BySignal 11

/// Takes the next assignment and reports that its process ended.
let private ends (queue: Assignments) how =
    let assignment = queue.Take()
    let sequel = queue.ProcessEnded(assignment.Value, how)
    shown assignment, sequel

let private givenUp (sequel: CrashOutcome) =
    match sequel with
    | RunGivenUp job -> [ name job ]
    | TeacherGivenUp learning -> List.map name learning
    | _ -> []

/// All assignments of a single worker whose process never ends.
let private inOrder (queue: Assignments) =
    List.unfold
        (fun () ->
            match queue.Take() with
            | None -> None
            | Some assignment ->
                match assignment with
                | PrepareTeacher(teacher, _) -> queue.TeacherEnded(teacher, true)
                | TrainRuns _ -> queue.RunsEnded []
                | CountCosts -> queue.CostsEnded()

                Some(shown (Some assignment), ()))
        ()

[<Tests>]
let tests =
    testList
        "assignments of workers"
        [ testProperty "Divided cohorts keep every run in order, and none grows" (fun (lengths: byte list) (pieces: byte) ->
              let cohorts = lengths |> List.mapi (fun index length -> [ for run in 1 .. int length % 9 -> index, run ])
              let cohorts = cohorts |> List.filter (not << List.isEmpty)
              let divided = CohortSplitter.into (int pieces) cohorts
              let longest = List.map List.length >> List.fold max 0
              Expect.equal (List.concat divided) (List.concat cohorts) "runs"
              Expect.isLessThanOrEqual (longest divided) (longest cohorts) "lanes"

              Expect.equal
                  divided.Length
                  (max cohorts.Length (min (int pieces) (List.concat cohorts).Length))
                  "as many as asked for, as far as there are runs")

          test "Cohorts stay whole except for the last ones, which are divided" {
              let queue = queue jobs.Value []
              Expect.equal (shown (queue.Take())) "student-seed0 a-seed0 b-seed0 c-seed0" "one of two"
              Expect.equal (shown (queue.Take())) "student-seed1 a-seed1" "the last, divided"
              Expect.equal (shown (queue.Take())) "b-seed1 c-seed1" "its other half"
          }

          test "Runs without a teacher start while it is trained, and the others are divided afterwards" {
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

          test "A single worker trains a teacher just before the first cohort that needs it, and keeps cohorts whole" {
              Expect.equal
                  (inOrder (queueOf 1 jobs.Value [ teacher.Value ] standings))
                  [ "teacher resnet14"; "student-seed0 a-seed0 b-seed0 c-seed0"; "student-seed1 a-seed1 b-seed1 c-seed1" ]
                  "in the order of the plan"
          }

          test "Costs are counted once, after the first training" {
              let queue = Assignments(1, 16, ofSeed 0L, [ teacher.Value ], isUntrained, true, standings)

              Expect.equal (inOrder queue) [ "teacher resnet14"; "costs"; "student-seed0 a-seed0 b-seed0 c-seed0" ] "the training comes first"
          }

          test "Costs whose counting crashed are not counted again" {
              let queue = Assignments(1, 16, ofSeed 0L, [], isUntrained, true, standings)
              queue.Take() |> ignore
              queue.RunsEnded []
              Expect.equal (ends queue crashed) ("costs", CostsGivenUp) "once"
              Expect.equal (shown (queue.Take())) "nothing" "and not again"
          }

          test "Runs whose teacher is unavailable are not assigned" {
              for workers in [ 1; 2 ] do
                  let queue = queueOf workers (ofSeed 0L) [ teacher.Value ] standings
                  Expect.equal (shown (queue.Take())) "teacher resnet14" "first"
                  queue.TeacherEnded(teacher.Value, false)
                  Expect.equal (shown (queue.Take())) "student-seed0" "the one that needs none"
                  queue.RunsEnded []
                  Expect.equal (shown (queue.Take())) "nothing" "only the student was trained"
          }

          test "An idle worker waits for new assignments" {
              let queue = queue (ofSeed 0L |> List.tail) [ teacher.Value ]
              queue.Take() |> ignore
              let waiting = Task.Run(fun () -> queue.Take())
              Thread.Sleep 50
              Expect.isFalse waiting.IsCompleted "the teacher is in training"
              queue.TeacherEnded(teacher.Value, true)
              Expect.equal (shown waiting.Result) "a-seed0 b-seed0" "then it is not"
          }

          test "Runs claimed by another sweep are assigned last, and then waited for" {
              let queue = queue jobs.Value []
              let first = queue.Take()
              queue.RunsEnded(runsOf first |> List.truncate 1)
              queue.Take() |> ignore
              queue.Take() |> ignore
              Expect.equal (shown (queue.Take())) "student-seed0 (patient)" "last"
          }

          test "Runs whose process was killed are retried in halves, after the other runs" {
              let queue = queueOf 1 jobs.Value [] standings
              let whole, _ = ends queue killed
              Expect.equal whole "student-seed0 a-seed0 b-seed0 c-seed0" "first"
              Expect.equal (shown (queue.Take())) "student-seed1 a-seed1 b-seed1 c-seed1" "the others"
              queue.RunsEnded []
              let half, _ = ends queue killed
              Expect.equal half "student-seed0 a-seed0 again" "a half"
              Expect.equal (shown (queue.Take())) "b-seed0 c-seed0 again" "the other half"
              queue.RunsEnded []
              let alone, sequel = ends queue killed
              Expect.equal alone "student-seed0 again" "half of that"
              Expect.equal (givenUp sequel) [ "student-seed0" ] "no other mode needs less memory"
              Expect.equal (shown (queue.Take())) "a-seed0 again" "the last"
          }

          test "Runs whose process crashed are retried alone, then conservatively, and then given up" {
              let queue = queueOf 1 (ofSeed 0L |> List.truncate 2) [] standings
              let whole, _ = ends queue crashed
              Expect.equal whole "student-seed0 a-seed0" "first"
              // Not the cause of the crash: it is only trained alone.
              Expect.equal (shown (queue.Take())) "student-seed0 again" "each alone"
              queue.RunsEnded []
              let alone, _ = ends queue crashed
              Expect.equal alone "a-seed0 again" "the other"
              let last, sequel = ends queue crashed
              Expect.equal last "a-seed0 again Conservative" "at last"
              Expect.equal (givenUp sequel) [ "a-seed0" ] "nothing else is left to try"
              Expect.equal (shown (queue.Take())) "nothing" "the sweep ends"
          }

          test "A run that progresses in each attempt is retried in the same mode" {
              let epoch = ref 1
              let growing = { standings with ProgressOfRun = fun _ -> Some(struct (epoch.Value, 0)) }
              let queue = queueOf 1 (ofSeed 0L |> List.truncate 1) [] growing

              for _ in 1..10 do
                  let assignment = queue.Take()
                  epoch.Value <- epoch.Value + 1

                  match queue.ProcessEnded(assignment.Value, crashed) with
                  | RunsRetried [ group ] -> Expect.equal group.Attempt { IsRetry = true; Mode = Standard } "in no other mode"
                  | other -> failtest $"{other}"
          }

          test "Runs that a process finished before it ended are not assigned again" {
              let finished = HashSet [ "student-seed0"; "a-seed0" ]
              let ended = HashSet<string>()

              let some = { standings with ProgressOfRun = fun job -> if ended.Contains(name job) then None else Some start }

              let queue = queueOf 1 (ofSeed 0L) [] some
              let first = queue.Take()
              ended.UnionWith finished
              queue.ProcessEnded(first.Value, crashed) |> ignore
              Expect.equal (shown (queue.Take())) "b-seed0 again" "of the rest"
              ended.UnionWith [ "b-seed0" ]
              queue.RunsEnded []
              let last = queue.Take()
              ended.UnionWith [ "c-seed0" ]
              Expect.equal (queue.ProcessEnded(last.Value, crashed)) NothingLeft "it had just been finished"
          }

          test "A teacher that crashes is retried, then conservatively, and then its runs are skipped" {
              let queue = queueOf 1 jobs.Value [ teacher.Value ] standings
              Expect.equal (fst (ends queue crashed)) "teacher resnet14" "first"
              Expect.equal (fst (ends queue crashed)) "teacher resnet14 again" "nothing can be trained without it"
              let last, sequel = ends queue crashed
              Expect.equal last "teacher resnet14 again Conservative" "in the last mode"

              Expect.equal (givenUp sequel) [ "a-seed0"; "b-seed0"; "c-seed0"; "a-seed1"; "b-seed1"; "c-seed1" ] "those that learn from it"

              Expect.equal (inOrder queue) [ "student-seed0"; "student-seed1" ] "the others are trained"
          }

          test "Several workers train runs without a teacher before they retry a crashed teacher" {
              let queue = queue (ofSeed 0L) [ teacher.Value ]
              Expect.equal (fst (ends queue crashed)) "teacher resnet14" "first"
              Expect.equal (shown (queue.Take())) "student-seed0" "the others"
              Expect.equal (shown (queue.Take())) "teacher resnet14 again" "then"
          }

          test "A run that may have crashed earlier processes is assigned last and alone, as are the runs of such a teacher" {
              let suspect = { standings with IsSuspectRun = fun job -> name job = "a-seed0" || name job = "student-seed1" }

              Expect.equal
                  (inOrder (queueOf 1 jobs.Value [] suspect))
                  [ "student-seed0 b-seed0 c-seed0"; "a-seed1 b-seed1 c-seed1"; "student-seed1"; "a-seed0" ]
                  "runs"

              let suspect = { standings with IsSuspectTeacher = fun _ -> true }

              Expect.equal
                  (inOrder (queueOf 2 (ofSeed 0L) [ teacher.Value ] suspect))
                  [ "student-seed0"; "teacher resnet14"; "a-seed0 b-seed0 c-seed0" ]
                  "a teacher"
          }

          test "The runs of a worker that lost its device are reassigned once" {
              let ended = HashSet<string>()

              let some = { standings with ProgressOfRun = fun job -> if ended.Contains(name job) then None else Some start }

              let queue = queueOf 2 (ofSeed 0L) [] some
              let first = queue.Take()
              ended.Add "student-seed0" |> ignore
              Expect.isEmpty (queue.WorkerLost first.Value) "it is given again"
              let again = queue.Take()
              Expect.equal (shown again) "a-seed0" "but for what is done"
              Expect.equal (queue.WorkerLost again.Value |> List.map name) [ "a-seed0" ] "two workers went down with it"
              Expect.equal (shown (queue.Take())) "b-seed0 c-seed0" "the rest"
          }

          test "The runs of a teacher with which two workers lost their device are skipped" {
              let queue = queueOf 3 (ofSeed 0L) [ teacher.Value ] standings
              Expect.isEmpty (queue.WorkerLost (queue.Take()).Value) "it is given again"
              Expect.hasLength (queue.WorkerLost (queue.Take()).Value) 3 "those that learn from it"
              Expect.equal (shown (queue.Take())) "student-seed0" "the other"
              queue.RunsEnded []
              Expect.equal (shown (queue.Take())) "nothing" "all is done"
          }

          testProperty
              "After any crashes and kills, every run is trained or given up, by one worker at a time, and only runs that end processes are given up"
              (fun (workers: byte) (guilty: bool array) (accidents: bool list) (isKilled: bool) ->
                  let workers = 1 + int workers % 3
                  let runs = jobs.Value
                  let isGuilty (job: Job) = guilty.Length > 0 && guilty[List.findIndex ((=) job) runs % guilty.Length]
                  let gate = obj ()
                  let trained, lost, withWorkers = HashSet<string>(), HashSet<string>(), HashSet<string>()
                  let isTrained job = lock gate (fun () -> trained.Contains(name job))
                  let standings = { standings with ProgressOfRun = fun job -> if isTrained job then None else Some start }
                  let queue = queueOf workers runs [ teacher.Value ] standings
                  let left = ref accidents
                  let how = if isKilled then killed else crashed

                  // Sometimes a process ends at the first attempt of a harmless run.
                  let hasAccident (attempt: Attempt) =
                      lock gate (fun () ->
                          match left.Value with
                          | happens :: others when not attempt.IsRetry ->
                              left.Value <- others
                              happens
                          | _ -> false)

                  let add (set: HashSet<string>) (jobs: Job list) = lock gate (fun () -> jobs |> List.map (name >> set.Add) |> List.forall id)

                  let rec work () =
                      match queue.Take() with
                      | None -> ()
                      | Some CountCosts -> failtest "nobody asked for them"
                      | Some(PrepareTeacher(teacher, attempt) as assignment) ->
                          if hasAccident attempt then
                              queue.ProcessEnded(assignment, how) |> ignore
                          else
                              queue.TeacherEnded(teacher, true)

                          work ()
                      | Some(TrainRuns(group, _) as assignment) ->
                          Expect.isTrue (add withWorkers group.Runs) "with one worker at a time"
                          Thread.Yield() |> ignore
                          let ends = List.exists isGuilty group.Runs || hasAccident group.Attempt

                          if not ends then
                              add trained group.Runs |> ignore

                          lock gate (fun () -> withWorkers.ExceptWith(List.map name group.Runs))

                          if ends then
                              let given = queue.ProcessEnded(assignment, how) |> givenUp
                              lock gate (fun () -> lost.UnionWith given)
                          else
                              queue.RunsEnded []

                          work ()

                  let all = [| for _ in 1..workers -> Task.Run(Action work) |]
                  Expect.isTrue (Task.WaitAll(all, TimeSpan.FromMinutes 1.0)) "it ends"
                  Expect.equal (set lost) (runs |> List.filter isGuilty |> List.map name |> set) "given up"
                  Expect.equal (set trained) (runs |> List.filter (not << isGuilty) |> List.map name |> set) "trained")

          test "A closed queue gives out no assignments" {
              let queue = queue jobs.Value []
              queue.Close()
              Expect.equal (shown (queue.Take())) "nothing" "closed"
          } ]
