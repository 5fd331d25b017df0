module ChannelDistillation.Tests.Lab.Sweep.PrecisionsTests

open Expecto
open ChannelDistillation.Schedules
open ChannelDistillation.Specs
open ChannelDistillation.Training
open ChannelDistillation.Lab.Sweep
open ChannelDistillation.Lab.Sweep.PrecisionWarnings

let private train precision =
    TrainSpec(Epochs = 1, Batch = 16, Optimizer = SgdSpec 0.1, LearningRateSchedule = LearningRateSchedule.Constant(), Precision = precision)

let private run precision teacherPrecision =
    RunSpec(
        Dataset = DatasetSpec(Name = "cifar10"),
        Teacher = TeacherSpec(Model = ModelSpec "resnet14", Train = train teacherPrecision),
        Student = ModelSpec "resnet8",
        Train = train precision,
        Losses = [| LossSpec.CrossEntropy |],
        Seed = 0L
    )

let private unasked: Lazy<string list> = lazy (failtest "the device was asked though nobody wants bfloat16")

[<Tests>]
let tests =
    testList
        "plan: precision"
        [ test "The warning about bfloat16 covers students and trained teachers" {
              for run in [ run Precision.BFloat16 Precision.Float32; run Precision.Float32 Precision.BFloat16 ] do
                  Expect.equal (PrecisionWarnings.warnings (lazy [ "why" ]) [ run; run ]) [ "Warning: why" ] "slow"
                  Expect.isEmpty (PrecisionWarnings.warnings (lazy []) [ run ]) "fast"

              Expect.isEmpty (PrecisionWarnings.warnings unasked [ run Precision.Float32 Precision.Float32 ]) "float32"
          }

          test "A CPU without bfloat16 instructions causes the warning" {
              Expect.equal
                  (PrecisionWarnings.obstacle (OfProcessor(Some false)))
                  (Some
                      "`precision: bfloat16` is not faster on this CPU, which has no instructions for it (AVX-512 BF16 or AMX). float32 is faster and more accurate.")
                  "none"

              for computes in [ Some true; None ] do
                  Expect.isNone (PrecisionWarnings.obstacle (OfProcessor computes)) $"{computes}"
          }

          test "A GPU of compute capability below 8.0 causes the warning" {
              let obstacle version =
                  PrecisionWarnings.obstacle (OfGpu("cuda:1", version |> Option.map (fun (text: string) -> System.Version text)))

              Expect.equal
                  (obstacle (Some "7.5"))
                  (Some
                      "`precision: bfloat16` is not faster on cuda:1, which has compute capability 7.5; bfloat16 multiplication needs 8.0. float32 is faster and more accurate.")
                  "Turing"

              for version in [ Some "8.0"; Some "9.0"; Some "12.0"; None ] do
                  Expect.isNone (obstacle version) $"{version}"
          }

          test "A missing GPU has neither a compute capability nor a warning" {
              Expect.isEmpty (PrecisionWarnings.obstacles [ "cuda:99" ]).Value "obstacles"
              Expect.isNull (Devices.ComputeCapability "cpu") "the processor"
              Expect.isNull (Devices.ComputeCapability "cuda:99") "a GPU"
          } ]
