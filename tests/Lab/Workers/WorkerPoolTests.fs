/// Worker processes that lose their GPU.
module ChannelDistillation.Tests.Lab.Workers.WorkerPoolTests

open Expecto
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Workers
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Lab.Runs
open ChannelDistillation.Tests.Lab.Workers.TestWorker

let private experiment =
    "experiment: shared
dataset: fashion-mnist-mini
teacher: none
student: { model: resnet8 }
train:
  epochs: 2
  batch: 4
  optimizer: { sgd: { lr: 0.01, momentum: 0.9 } }
  lr_schedule: constant
losses: { ce: { weight: 1 } }
variants: { student: [ce] }
seeds: [0, 1]
"

/// A sweep of two workers, of which the given number lose their GPU.
let private sweep (folder: TemporaryFolder) (lost: int) =
    Faults.request folder.Path [ Faults.LostGpu, Faults.Reading, lost ]
    sweep folder [ Processor 1; Processor 2 ] experiment id

let private sentence =
    "This process can no longer use the GPU: CUDA error: device-side assert triggered. Repeat the command to resume runs from their last checkpoints; "
    + "`nvidia-smi` shows the state of the GPU."

[<Tests>]
let tests =
    testList
        "workers that lose their GPU"
        [ test "A worker that loses its GPU stops, the other takes over its runs, and the summary reports it" {
              use folder = new TemporaryFolder()
              TinySweep.workspaceIn folder |> ignore
              let outcome = sweep folder 1
              Expect.equal [ for job in outcome.Chosen -> job.State ] [ Done; Done ] "both runs"
              Expect.equal (List.map withoutNumbers outcome.Warnings) [ $"cpu: {sentence}" ] "summary"
              Expect.isEmpty outcome.Missing "nothing keeps the sweep from success"
          }

          test "If all workers lose their GPU, runs are interrupted, not failed, and the sweep reports the reason" {
              use folder = new TemporaryFolder()
              TinySweep.workspaceIn folder |> ignore
              let outcome = sweep folder 2

              for job in outcome.Chosen do
                  Expect.isTrue (RunState.needsTraining false job.State) $"{job.Run.Name} resumes with the same command"

              Expect.equal (outcome.Missing |> List.map withoutNumbers |> List.distinct) [ $"cpu: {sentence}" ] "summary"
              let again = sweep folder 0
              Expect.equal [ for job in again.Chosen -> job.State ] [ Done; Done ] "and so they do"
          } ]
