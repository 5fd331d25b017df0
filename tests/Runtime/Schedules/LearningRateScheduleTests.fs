module ChannelDistillation.Tests.Runtime.Schedules.LearningRateScheduleTests

open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Tests

/// Steps per epoch, and the schedule, of each case in learning_rates.json.
let private cases: Map<string, int * LearningRateSchedule> =
    Map
        [ "step, CIFAR-100 recipe", (1, LearningRateSchedule.Step([| 60; 120; 160 |], 0.2))
          "step, ImageNet recipe", (1, LearningRateSchedule.Step([| 30; 60; 90 |], 0.1))
          "cosine to 0", (1, LearningRateSchedule.Cosine())
          "cosine to 0.05", (1, LearningRateSchedule.Cosine 0.05)
          "warm-up over 3 epochs of 4 steps from 0.1", (4, LearningRateSchedule.Constant(WarmupEpochs = 3, WarmupFrom = 0.1))
          "warm-up over 2 epochs of 5 steps from 0.01, then step",
          (5, LearningRateSchedule.Step([| 3; 5 |], 0.5, WarmupEpochs = 2, WarmupFrom = 0.01)) ]

let private golden =
    [ for case in (Golden.json "learning_rates.json").EnumerateArray() do
          let name = Golden.text "name" case

          testCase name
          <| fun () ->
              let stepsPerEpoch, schedule = cases[name]
              let epochs = case.GetProperty("epochs").GetInt32()

              let actual =
                  [| for epoch in 1..epochs do
                         for step in 0 .. stepsPerEpoch - 1 -> schedule.FactorAt(epoch, step, stepsPerEpoch, epochs) |]

              Golden.closeWith 1e-6 1e-9 (Golden.doubles (case.GetProperty "values")) actual "factors" ]

[<Tests>]
let tests = testList "learning rate schedules: golden" golden
