module ChannelDistillation.Tests.Runtime.Schedules.LossWeightScheduleTests

open System
open System.Globalization
open System.IO
open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Tests

let private number (text: string) = Double.Parse(text, CultureInfo.InvariantCulture)

/// The schedules of the published code. `lrdv1` and `lrdv2` are its names; `feature`, `label` and `logit` are
/// the families of cd, ce and kd/gkd.
let private published dataset mode family factor =
    let every = LossWeightDecay.Every(30, factor)
    let steps = LossWeightDecay.Step([| 60; 160 |], factor)

    match mode, dataset, family with
    | "lrdv1", "imagenet", _ -> LossWeightSchedule(Decay = every)
    | "lrdv1", "cifar", _ -> LossWeightSchedule.Constant
    | "lrdv2", "imagenet", "feature" -> LossWeightSchedule(Decay = every)
    | "lrdv2", "cifar", "feature" -> LossWeightSchedule(Decay = steps)
    | "lrdv2", "imagenet", _ -> LossWeightSchedule(StartAfter = 30, Decay = every)
    | "lrdv2", "cifar", _ -> LossWeightSchedule(StartAfter = 60, Decay = steps)
    | _ -> failwith $"no schedule for {dataset}, {mode}, {family}"

/// (dataset, mode, family of losses, weight, factor), (epoch, value), as in the file.
let internal rows =
    [ for line in File.ReadLines(Golden.path "loss_weights.csv") |> Seq.skip 1 do
          match line.Split ',' with
          | [| dataset; mode; family; weight; factor; epoch; value |] ->
              (dataset, mode, family, number weight, number factor), (int epoch, number value)
          | _ -> failwith $"not a row of loss weights: {line}" ]

let private golden =
    [ for (dataset, mode, family, weight, factor), rows in List.groupBy fst rows do
          testCase $"The schedule {mode} on {dataset} for {family} losses has weight {weight} and factor {factor}"
          <| fun () ->
              let schedule = published dataset mode family factor
              let expected = [| for _, (_, value) in rows -> value |]
              let actual = [| for _, (epoch, _) in rows -> weight * schedule.FactorAt epoch |]
              Golden.closeWith 0.0 1e-9 expected actual "weights" ]

let private factors (schedule: LossWeightSchedule) epochs = [ for epoch in epochs -> Math.Round(schedule.FactorAt epoch, 9) ]

let private shapes =
    [ testCase "A constant schedule is 1 from the first epoch"
      <| fun () -> Expect.equal (factors LossWeightSchedule.Constant [ 1; 2; 500 ]) [ 1; 1; 1 ] "factors"

      testCase "A delayed start is 0 through the epoch it names"
      <| fun () -> Expect.equal (factors (LossWeightSchedule(StartAfter = 2)) [ 1; 2; 3 ]) [ 0; 0; 1 ] "factors"

      testCase "A warm-up counts from the start"
      <| fun () -> Expect.equal (factors (LossWeightSchedule(StartAfter = 1, Warmup = 4)) [ 1..6 ]) [ 0; 0.25; 0.5; 0.75; 1; 1 ] "factors"

      testCase "Warm-up, delayed start and decay are multiplied"
      <| fun () ->
          let schedule = LossWeightSchedule(StartAfter = 1, Warmup = 2, Decay = LossWeightDecay.Step([| 3; 5 |], 0.5))

          Expect.equal (factors schedule [ 1..5 ]) [ 0; 0.5; 0.5; 0.5; 0.25 ] "factors"

      testCase "Linear and cosine decay run from the first epoch to the last one they name, and are then constant"
      <| fun () ->
          Expect.equal (factors (LossWeightSchedule(Decay = LossWeightDecay.Linear(5, 0.2))) [ 1..6 ]) [ 1; 0.8; 0.6; 0.4; 0.2; 0.2 ] "linear"

          Expect.equal
              (factors (LossWeightSchedule(Decay = LossWeightDecay.Cosine(5, 0.0))) [ 1..6 ])
              [ 1; 0.853553391; 0.5; 0.146446609; 0; 0 ]
              "cosine"

      testCase "Step decays with the same numbers are equal"
      <| fun () ->
          Expect.equal (LossWeightDecay.Step([| 1; 2 |], 0.5)) (LossWeightDecay.Step([ 1; 2 ], 0.5)) "equal"
          Expect.notEqual (LossWeightDecay.Step([| 1; 2 |], 0.5)) (LossWeightDecay.Step([| 1; 3 |], 0.5)) "other epochs" ]

[<Tests>]
let tests = testList "loss weight schedules" [ testList "golden" golden; testList "shapes" shapes ]
