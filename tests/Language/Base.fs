/// A small experiment for tests, and functions that plan one.
module ChannelDistillation.Tests.Base

open Expecto
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Messages
open ChannelDistillation.Dsl.Planning

let text =
    """experiment: example
dataset: fashion-mnist-mini
teacher: { model: resnet20, checkpoint: pretrain/teacher.pth }
student: { model: resnet8 }
train:
  epochs: 30
  batch: 64
  optimizer: { sgd: { lr: 0.1 } }
  lr_schedule: { step: { at: [10, 20], factor: 0.1 } }
losses:
  ce: { weight: 1 }
  kd: { weight: 1, temperature: 4 }
  cd: { weight: 6 }
variants:
  student: [ce]
  kd: [ce, kd]
  cd: [ce, cd: { decay: { every: { epochs: 10, factor: 0.9 } } }]
seeds: [0, 1]
"""

let tryPlan text settings = Experiments.ofSource (Source("example.yaml", text)) settings

let plan text settings =
    match tryPlan text settings with
    | Ok(plan, _) -> plan
    | Error problems -> failtest (Render.text false problems)

let warnings text =
    match tryPlan text [] with
    | Ok(_, warnings) -> warnings
    | Error problems -> failtest (Render.text false problems)

let problems text settings =
    match tryPlan text settings with
    | Ok _ -> failtest "no problem was found"
    | Error problems -> problems

/// The experiment with a grid.
let withGrid (lines: string list) = text + "grid:\n" + System.String.Join("\n", lines |> List.map (fun line -> "  " + line)) + "\n"
