/// Training processes that end during a sweep, by real faults in native code and by SIGKILL.
module ChannelDistillation.Tests.Lab.Workers.CrashTests

open System
open Expecto
open ChannelDistillation.Core
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs
open ChannelDistillation.Tests.Lab.Workers.Faults
open ChannelDistillation.Tests.Lab.Workers.TestWorker

let private experiment =
    "experiment: crash
dataset: fashion-mnist-mini
teacher: { model: resnet8, train: { epochs: 2 } }
student: { model: resnet8 }
train:
  epochs: 3
  batch: 4
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: constant
losses: { ce: {}, kd: {} }
variants: { student: [ce], kd: [ce, kd] }
seeds: [0, 1]
"

/// The files of a sweep, without `pretrain/hashes`, which has paths and times, and plan.json, which has the command.
let private left (folder: TemporaryFolder) =
    [ for part in [ "runs/crash"; "pretrain" ] do
          for name, content in Outcome.ofFolder (folder.File part) do
              if not (name.StartsWith "hashes" || name = "plan.json") then
                  $"{part}/{name}", content ]

/// The files of an undisturbed sweep in this process.
let private undisturbed =
    lazy
        (use folder = new TemporaryFolder()
         let options = { TinySweep.optionsIn (TinySweep.workspaceIn folder) (folder.File "runs") with Threads = Some 1 }
         let outcome = TinySweep.sweep options (TinySweep.plan folder "experiment.yaml" experiment)
         Expect.all outcome.Jobs (fun job -> job.State = Done) "undisturbed"
         left folder)

let private expectUndisturbed (folder: TemporaryFolder) (which: string -> bool) =
    let expected, actual = undisturbed.Value |> List.filter (fst >> which), left folder |> List.filter (fst >> which)
    Expect.equal (List.map fst actual) (List.map fst expected) "the same files"

    for (name, expected), (_, actual) in List.zip expected actual do
        Expect.equal actual expected name

let private states (outcome: Outcome) = [ for job in outcome.Jobs -> job.Run.Name, string job.State ]
let private allDone = [ for run in [ "student-seed0"; "student-seed1"; "kd-seed0"; "kd-seed1" ] -> run, "done" ]

/// Runs a sweep with a single worker that has these faults.
let private sweepWith (faults: (Fault * Moment * int) list) (more: SweepOptions -> SweepOptions) (check: TemporaryFolder -> Outcome -> unit) =
    if OperatingSystem.IsWindows() then
        skiptest "Windows has no signals"

    use folder = new TemporaryFolder()
    TinySweep.workspaceIn folder |> ignore
    request folder.Path faults
    check folder (sweep folder [ Sole "cpu" ] experiment more)

let private same (options: SweepOptions) = options
let private warnings (outcome: Outcome) = List.map withoutNumbers outcome.Warnings

let private segv =
    "The training process on cpu (process) was killed by SIGSEGV (an invalid memory access in native code) while it trained "

let private fpe =
    "The training process on cpu (process) was killed by SIGFPE (an arithmetic error in native code, such as an integer division by zero) while it trained "

let private abrt =
    "The training process on cpu (process) was killed by SIGABRT (a native library or .NET aborted after an error) while it trained "

let private killed =
    "The training process on cpu (process) was killed by SIGKILL (sent by the kernel when memory runs out, or by another process) while it trained "

let private cohort = "student-seed0, kd-seed0. Each run resumes from its last checkpoint, alone."

[<Tests>]
let tests =
    testList
        "training processes that crash"
        [ for fault, sentence in [ NullPointer, segv; DivisionByZero, fpe; Abort, abrt; Kill, killed ] do
              test $"After {fault}, the same command trains every run to the files of an undisturbed sweep and reports the crash" {
                  sweepWith [ fault, Saving("runs/crash/kd-seed0", true), 1 ] same (fun folder outcome ->
                      Expect.isTrue (haveHappened folder.Path) "it happened"
                      Expect.equal (states outcome) allDone "every run"
                      Expect.equal (warnings outcome) [ sentence + cohort ] "message"
                      Expect.isEmpty (outcome.Obstacles @ outcome.Missing) "nothing keeps the sweep from success"
                      expectUndisturbed folder (fun _ -> true))
              }

          test "A process that crashes while it trains a teacher is replaced" {
              sweepWith [ NullPointer, Saving("pretrain/fashion-mnist-mini-resnet8", true), 1 ] same (fun folder outcome ->
                  Expect.equal (states outcome) allDone "every run"
                  Expect.equal (warnings outcome) [ segv + "the teacher resnet8. The teacher is retried." ] "message"
                  expectUndisturbed folder (fun _ -> true))
          }

          test "A run that always crashes is recorded as failed with the signal, and all others are trained" {
              sweepWith [ NullPointer, Saving("runs/crash/kd-seed0", false), 99 ] same (fun folder outcome ->
                  Expect.equal
                      (states outcome)
                      [ "student-seed0", "done"; "student-seed1", "done"; "kd-seed0", "failed"; "kd-seed1", "done" ]
                      "the others"

                  let of0 = segv + "kd-seed0. "

                  Expect.equal
                      (warnings outcome)
                      [ segv + cohort
                        of0 + "The run resumes from its last checkpoint, without oneDNN and in the contiguous layout."
                        of0 + "The run is recorded as failed; --retry-failed retries it." ]
                      "message"

                  let failed = outcome.Jobs |> List.find (fun job -> job.Run.Name = "kd-seed0")

                  Expect.equal
                      (Job.reason failed)
                      (Some
                          "The training process was killed by SIGSEGV (an invalid memory access in native code) again while it trained this run alone.")
                      "in result.json"

                  expectUndisturbed folder (fun name -> name.Contains "/student-" || name.Contains "/kd-seed1")
                  // The same command does not retry it. With --retry-failed it does, and completes without the fault.
                  request folder.Path []
                  let again = sweep folder [ Sole "cpu" ] experiment same
                  Expect.equal (states again) (states outcome) "it has had its turn"
                  let retried = sweep folder [ Sole "cpu" ] experiment (fun options -> { options with RetryFailed = true })
                  Expect.equal (states retried) allDone "then")
          }

          test "A teacher that always crashes is recorded as failed, and the runs without a teacher are trained" {
              sweepWith [ DivisionByZero, Saving("pretrain/fashion-mnist-mini-resnet8", false), 99 ] same (fun folder outcome ->
                  Expect.equal
                      (states outcome)
                      [ "student-seed0", "done"; "student-seed1", "done"; "kd-seed0", "new"; "kd-seed1", "new" ]
                      "those that learn alone"

                  let teacher = fpe + "the teacher resnet8. "

                  Expect.equal
                      (warnings outcome)
                      [ teacher + "The teacher is retried."
                        teacher + "The teacher is retried, without oneDNN and in the contiguous layout."
                        teacher + "The teacher is not retried, and the runs that need it are skipped: kd-seed0, kd-seed1." ]
                      "message"

                  Expect.equal
                      outcome.Obstacles
                      [ "The teacher resnet8 could not be trained. The training process was killed by SIGFPE (an arithmetic error in native code, such as "
                        + "an integer division by zero) again while it trained this teacher alone." ]
                      "why"

                  request folder.Path []
                  let again = sweep folder [ Sole "cpu" ] experiment same

                  Expect.equal
                      again.Obstacles
                      [ "The teacher resnet8 diverged or failed in an earlier command; --retry-failed retries it." ]
                      "the same command does not try it again"

                  let retried = sweep folder [ Sole "cpu" ] experiment (fun options -> { options with RetryFailed = true })
                  Expect.equal (states retried) allDone "on request")
          }

          test "A process that crashes before it is ready ends the sweep, and no run fails" {
              Expect.throwsC (fun () -> sweepWith [ NullPointer, AtBegin, 99 ] same (fun _ _ -> ())) (fun error ->
                  match error with
                  | :? MissingException as missing ->
                      Expect.equal
                          missing.Message
                          ("The training process was killed by SIGSEGV (an invalid memory access in native code) before it was ready. Its output:\n"
                           + "noise of a library")
                          "message"
                  | other -> failtest $"{other}")
          }

          test "A crashed process is replaced while another worker continues" {
              use folder = new TemporaryFolder()
              TinySweep.workspaceIn folder |> ignore
              request folder.Path [ DivisionByZero, Saving("runs/crash/kd-seed1", true), 1 ]
              let outcome = sweep folder [ Processor 1; Processor 2 ] experiment same
              Expect.equal (states outcome) allDone "every run"
              Expect.equal (warnings outcome) [ fpe + "kd-seed1. The run resumes from its last checkpoint." ] "message"
              expectUndisturbed folder (fun _ -> true)
          } ]
