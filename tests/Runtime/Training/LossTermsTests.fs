module ChannelDistillation.Tests.Runtime.Training.LossTermsTests

open Expecto
open TorchSharp
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Models
open ChannelDistillation.Losses
open ChannelDistillation.Training

let private image = DatasetCatalog.Get("fashion-mnist-mini").Image
let private features = FeaturePair.Of(ModelSpec "resnet8", ModelSpec "resnet14", image)

/// The teacher taps that the losses of a run need in each of the first epochs.
let private asked epochs (losses: (string * LossWeightSchedule) list) =
    let specs = [| for name, schedule in losses -> TinyTraining.loss name 1.0 schedule |]
    use terms = new LossTerms(specs, (fun loss -> LossContext(loss.Parameters, features, 10, [| 0 |], 1L)), 1L, torch.CPU)

    [ for epoch in 1..epochs ->
          terms.StartEpoch epoch
          terms.OfTeacher ]

let private always = LossWeightSchedule.Constant
let private nothing = Taps()

[<Tests>]
let tests =
    testList
        "training: what losses ask of the teacher"
        [ test "A student without a teacher requests nothing" { Expect.equal (asked 1 [ "ce", always ]) [ nothing ] "taps" }

          test "KD requests the logits, CD the stages' means, and a variant with both requests both" {
              Expect.equal (asked 1 [ "ce", always; "kd", always ]) [ Taps.Logits ] "kd"
              Expect.equal (asked 1 [ "ce", always; "cd", always ]) [ Taps.StageMeans 3 ] "cd"
              Expect.equal (asked 1 [ "cd", always; "gkd", always ]) [ Taps.Logits ||| Taps.StageMeans 3 ] "cd and gkd"
          }

          test "A loss requests nothing before it starts and after it has stopped" {
              let schedules = [ "cd", LossWeightSchedule(StopAfter = 2); "kd", LossWeightSchedule(StartAfter = 1) ]

              Expect.equal (asked 3 schedules) [ Taps.StageMeans 3; Taps.StageMeans 3 ||| Taps.Logits; Taps.Logits ] "by epoch"
          }

          test "The fullest epoch is the first one with the most active losses" {
              let fullest epochs (losses: (string * LossWeightSchedule) list) =
                  let specs = [| for name, schedule in losses -> TinyTraining.loss name 1.0 schedule |]
                  use terms = new LossTerms(specs, (fun loss -> LossContext(loss.Parameters, features, 10, [| 0 |], 1L)), 1L, torch.CPU)
                  terms.FullestEpoch epochs

              Expect.equal (fullest 9 [ "ce", always; "kd", always ]) 1 "all of them always"

              Expect.equal
                  (fullest 9 [ "ce", always; "cd", LossWeightSchedule(StopAfter = 5); "kd", LossWeightSchedule(StartAfter = 3) ])
                  4
                  "an overlap"

              Expect.equal (fullest 9 [ "cd", LossWeightSchedule(StopAfter = 2); "kd", LossWeightSchedule(StartAfter = 4) ]) 1 "none"
          } ]
