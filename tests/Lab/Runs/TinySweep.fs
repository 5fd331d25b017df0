/// Whole sweeps on a few random images, in this process.
module ChannelDistillation.Tests.Lab.Runs.TinySweep

open System.IO
open System.Threading
open ChannelDistillation
open ChannelDistillation.Core
open ChannelDistillation.Data
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning
open ChannelDistillation.Lab.Runs
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Tests
open ChannelDistillation.Tests.Runtime.Training

/// An experiment of one epoch with `ce` and one other loss.
/// <param name="loss">The other loss with its settings.</param>
/// <param name="variants">The lines of `variants`.</param>
let experiment (loss: string) (variants: string list) =
    let rows = String.concat "" [ for variant in variants -> $"  {variant}\n" ]

    $"experiment: small
dataset: fashion-mnist-mini
teacher: {{ model: resnet8, train: {{ epochs: 1 }} }}
student: {{ model: resnet8 }}
train:
  epochs: 1
  batch: 4
  optimizer: {{ sgd: {{ lr: 0.05, momentum: 0.9 }} }}
  lr_schedule: constant
losses:
  ce: {{ weight: 1 }}
  {loss}
variants:
{rows}seeds: [0]
"

/// The rows `student` and `kd`.
let studentAndKd = experiment "kd: { weight: 1, temperature: 4 }" [ "student: [ce]"; "kd: [ce, kd]" ]

/// A folder with an experiment and the repository's data.
let workspaceIn (folder: TemporaryFolder) =
    Directory.CreateDirectory(folder.File "data") |> ignore

    Directory.CreateSymbolicLink(folder.File "data/fashion-mnist-mini", Path.Combine(Repository.root, "data/fashion-mnist-mini"))
    |> ignore

    Workspace folder.Path

let plan (folder: TemporaryFolder) (name: string) (experiment: string) =
    let file = folder.File name
    File.WriteAllText(file, experiment)

    match Experiments.load file [] true with
    | Ok(plan, _) -> plan
    | Error problems -> failwith (Render.problems problems)

/// Eight training images and four validation images.
let private openDataset _ = new Data.Dataset(DatasetCatalog.Get "fashion-mnist-mini", TinyTraining.images 8 1, TinyTraining.images 4 2)

let optionsIn (workspace: Workspace) out : SweepOptions =
    { Workspace = workspace
      Out = out
      Only = None
      Device = "cpu"
      Workers = []
      Started = None
      Lanes = 16
      Threads = None
      // In a fixed layout, so that nothing is timed.
      ComputeSettings = ComputeSettings.standard
      RetryFailed = false
      Retrain = None
      Share = true
      Quiet = true
      Observer = None
      Command = None
      Part = Everything
      OpenDataset = Some openDataset }

let sweep options plan = Sweep.run options plan CancellationToken.None
