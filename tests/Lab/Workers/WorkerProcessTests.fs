module ChannelDistillation.Tests.Lab.Workers.WorkerProcessTests

open System
open System.Diagnostics
open Expecto
open ChannelDistillation.Training
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs
open ChannelDistillation.Tests.Lab.Workers.Faults

let private experiment =
    "experiment: alone
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train: { epochs: 1, batch: 4, optimizer: { sgd: { lr: 0.01 } }, lr_schedule: constant }
losses: { ce: {} }
variants: { student: [ce] }
seeds: [0]
"

/// A worker with a fault, in a separate folder.
let private withWorker (fault: Fault * Moment * int) (patience: TimeSpan) (act: TemporaryFolder -> WorkerProcess -> unit) =
    use folder = new TemporaryFolder()
    TinySweep.workspaceIn folder |> ignore
    request folder.Path [ fault ]

    use worker =
        new WorkerProcess(Sole "cpu", [ "sweep"; "--part"; "worker"; "--out"; folder.File "runs"; "--device"; "cpu" ], patience)

    TestWorker.limited (fun () -> act folder worker)

let private isRunning (id: int) =
    try
        use running = Process.GetProcessById id
        not running.HasExited
    with :? ArgumentException ->
        false

[<Tests>]
let tests =
    testList
        "the process of a worker"
        [ test "Unknown messages and other output of a worker are ignored and reported once" {
              withWorker (StrangeMessage, AtBegin, 1) WorkerProcess.Patience (fun folder worker ->
                  let messages = ResizeArray<string>()

                  let notes (reported: TrainingEvent) =
                      match reported with
                      | :? TrainingEvent.Message as message -> messages.Add message.Text
                      | _ -> ()

                  worker.Begin experiment

                  match worker.AwaitReady notes with
                  | Finished ready -> Expect.equal ready { Device = "cpu"; Obstacles = ready.Obstacles; Hint = None } "ready"
                  | other -> failtest $"{other}"

                  Expect.equal
                      (List.ofSeq messages)
                      [ """cpu: ignored an unknown message of the training process: the line `{"event":"weather","is":"fine"}`.""" ]
                      "reported once"

                  let plan = TinySweep.plan folder "experiment.yaml" experiment
                  let run = Job.ofPlan (folder.File "runs/alone") plan |> List.head |> Job.nameOf

                  match worker.Do (RunsOf(set [ run ]), Standard) notes with
                  | Finished ended -> Expect.isEmpty (ended.Obstacles @ ended.Missing) "it does its work"
                  | other -> failtest $"{other}"

                  (worker :> IDisposable).Dispose()
                  // Output of libraries goes to standard error. It is an incomplete line, which the end completes.
                  Expect.stringContains worker.LastOutput "noise of a library" "it is kept, for where it explains a failure")
          }

          test "A worker that neither saves nor exits on request is killed" {
              if OperatingSystem.IsWindows() then
                  skiptest "pause(2) is not of Windows"

              withWorker (Hang, AtBegin, 1) (TimeSpan.FromSeconds 1.0) (fun _ worker ->
                  worker.Begin experiment
                  worker.Stop()

                  match worker.AwaitReady ignore with
                  | Crashed how -> Expect.equal how (BySignal 9) "killed"
                  | other -> failtest $"{other}"

                  (worker :> IDisposable).Dispose())
          }

          test "A disposed worker has exited, whatever it was doing" {
              if OperatingSystem.IsWindows() then
                  skiptest "pause(2) is not of Windows"

              let id = ref 0

              withWorker (Hang, AtBegin, 1) (TimeSpan.FromSeconds 1.0) (fun _ worker ->
                  id.Value <- worker.Id
                  worker.Begin experiment
                  (worker :> IDisposable).Dispose())

              Expect.isFalse (isRunning id.Value) "it has ended"
          }

          test "A worker that was started ahead and not needed exits at once" {
              let id = ref 0

              withWorker (Hang, AtBegin, 1) (TimeSpan.FromMinutes 10.0) (fun _ worker ->
                  id.Value <- worker.Id
                  (worker :> IDisposable).Dispose())

              Expect.isFalse (isRunning id.Value) "it has ended, and its patience was not waited for"
          } ]
